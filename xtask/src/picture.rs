//! Pictures of a screen.

use anyhow::{Context, Result, bail};

/// A character on a VGA's screen in text mode: 9 x 16 pixels.
const CELL: (usize, usize) = (9, 16);

/// What a screen shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    /// Row by row from the top: red, green and blue.
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// Reads a binary PPM file of 8 bits a colour, the simplest that QEMU writes: `P6`, width, height, `255`, and the pixels.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_ppm(file: &[u8]) -> Result<Self> {
        let mut rest = file;
        let mut word = || -> Result<&str> {
            let end = rest.iter().position(u8::is_ascii_whitespace).context("the picture is cut short")?;
            let (word, behind) = rest.split_at(end);
            rest = &behind[1..];
            Ok(core::str::from_utf8(word)?)
        };
        let (magic, width, height, brightest) = (word()?, word()?.parse()?, word()?.parse()?, word()?);
        if (magic, brightest) != ("P6", "255") {
            bail!("the picture is no PPM file of 8 bits a colour");
        }
        let pixels = rest.as_chunks().0.to_vec();
        match usize::checked_mul(width, height) {
            Some(count) if count > 0 && count == pixels.len() => Ok(Self { width, pixels }),
            _ => bail!("the picture of {width} x {height} pixels has {}", pixels.len()),
        }
    }

    /// The PNG file. Its pixels are numbers of colours, as on the screen itself.
    ///
    /// # Errors
    /// If it has more colours than a text screen.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let colors = self.colors();
        let place = |pixel| u8::try_from(colors.binary_search(pixel).unwrap_or_default());
        let numbers = self.pixels.iter().map(place).collect::<Result<Vec<u8>, _>>();
        let numbers = numbers.context("a picture of more than 256 colours is none of a text screen")?;
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width.try_into()?, self.height().try_into()?);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(colors.concat());
        encoder.set_compression(png::Compression::High);
        // Neighbouring numbers have nothing to do with each other: there is nothing to predict.
        encoder.set_filter(png::Filter::NoFilter);
        encoder.write_header()?.write_image_data(&numbers)?;
        Ok(file)
    }

    /// The two differ by one character at most: a blinking cursor.
    pub fn resembles(&self, other: &Self) -> bool {
        if (self.width, self.pixels.len()) != (other.width, other.pixels.len()) {
            return false;
        }
        let differs = |&at: &usize| self.pixels[at] != other.pixels[at];
        let at = || (0..self.pixels.len()).filter(differs);
        is_within(CELL.0, at().map(|at| at % self.width)) && is_within(CELL.1, at().map(|at| at / self.width))
    }

    /// The two have the same first `rows` rows of characters.
    pub fn begins_as(&self, other: &Self, rows: usize) -> bool {
        let len = rows * CELL.1 * self.width;
        self.width == other.width && self.pixels.get(..len).is_some_and(|rows| other.pixels.get(..len) == Some(rows))
    }

    /// All its light: more where a cursor is shown than where it is not.
    pub fn brightness(&self) -> u64 {
        self.pixels.as_flattened().iter().map(|&part| u64::from(part)).sum()
    }

    /// The colours that occur, in order.
    pub fn colors(&self) -> Vec<[u8; 3]> {
        let mut colors = self.pixels.clone();
        colors.sort_unstable();
        colors.dedup();
        colors
    }

    const fn height(&self) -> usize {
        self.pixels.len() / self.width
    }
}

/// From the first to the last there are `len` at most.
fn is_within(len: usize, values: impl Iterator<Item = usize> + Clone) -> bool {
    match (values.clone().min(), values.max()) {
        (Some(first), Some(last)) => last - first < len,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::Picture;

    /// A black picture of 40 x 40 in which these places are white.
    fn picture(white: &[(usize, usize)]) -> Picture {
        let mut pixels = vec![[0; 3]; 1600];
        white.iter().for_each(|&(x, y)| pixels[y * 40 + x] = [255; 3]);
        Picture { width: 40, pixels }
    }

    #[test]
    fn a_dump_is_read_and_anything_else_is_refused() {
        let read = Picture::from_ppm(b"P6\n2 1\n255\nabcdef").unwrap();
        assert_eq!(read, Picture { width: 2, pixels: vec![*b"abc", *b"def"] });
        for file in [&b"P6\n2 1\n255\nabcde"[..], b"P5\n2 1\n255\nabcdef", b"P6\n0 0\n255\n", b"P6\n2", b""] {
            assert!(Picture::from_ppm(file).is_err());
        }
    }

    #[test]
    fn a_png_shows_the_same() {
        let shown = picture(&[(3, 4), (39, 39)]);
        let file = shown.to_png().unwrap();
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.width, info.height, info.color_type), (40, 40, png::ColorType::Rgb));
        assert_eq!(bytes.as_chunks().0, shown.pixels);
    }

    #[test]
    fn a_blinking_cursor_makes_no_difference_and_a_second_character_does() {
        let bare = picture(&[]);
        assert!(bare.resembles(&bare));
        assert!(bare.resembles(&picture(&[(9, 16), (17, 31)])));
        assert!(!bare.resembles(&picture(&[(9, 16), (18, 16)])));
        assert!(!bare.resembles(&picture(&[(9, 16), (9, 32)])));
        assert!(picture(&[(9, 16)]).brightness() > bare.brightness());
    }
}
