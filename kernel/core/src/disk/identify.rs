//! What a drive says of itself (AT Attachment with Packet Interface, "IDENTIFY DEVICE").

use core::fmt;

use arrayvec::ArrayString;

use super::task_file::Addressing;

/// Words of the answer.
const WORD_COUNT: usize = 256;

/// Bytes of the model's name.
const MODEL_BYTES: usize = 40;

/// A drive that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its model, as the maker spells it; what is not ASCII is left out.
    pub model: ArrayString<MODEL_BYTES>,
    /// How many sectors it has; a larger drive is used up to the last sector that a `u32` can name.
    pub sector_count: u32,
    /// How its sectors are named.
    pub addressing: Addressing,
    /// It can move data by bus-master DMA.
    pub has_dma: bool,
    /// How many sectors READ MULTIPLE can move for each interrupt; 1 if the drive does not have that command.
    pub multiple_max: u8,
}

/// Why a drive cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnusableDisk {
    /// It is not a disk, but perhaps a CD drive.
    NotADisk,
    /// It is so old that it knows only cylinders, heads and sectors.
    NoLba,
    /// Its sectors are longer than 512 bytes.
    LongSectors,
}

impl fmt::Display for UnusableDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotADisk => "a device that is not a disk",
            Self::NoLba => "a disk without logical block addresses",
            Self::LongSectors => "a disk with sectors of more than 512 bytes",
        })
    }
}

impl core::error::Error for UnusableDisk {}

impl Identity {
    /// Reads the drive's answer: the 256 words of its data register, in the order in which they came.
    ///
    /// # Errors
    /// `NotADisk` for ATAPI, `NoLba`, `LongSectors`.
    pub fn decode(words: &[u16; WORD_COUNT]) -> Result<Self, UnusableDisk> {
        if words[0] & 1 << 15 != 0 {
            return Err(UnusableDisk::NotADisk);
        }
        if words[49] & 1 << 9 == 0 {
            return Err(UnusableDisk::NoLba);
        }
        // Word 106 is valid if its top bits are 01.
        if words[106] >> 14 == 0b01 && words[106] & 1 << 12 != 0 {
            return Err(UnusableDisk::LongSectors);
        }
        // So is word 83.
        let is_lba48 = words[83] >> 14 == 0b01 && words[83] & 1 << 10 != 0;
        let (addressing, sector_count) = if is_lba48 {
            let beyond = words[102] != 0 || words[103] != 0;
            (Addressing::Lba48, if beyond { u32::MAX } else { double_word(words, 100) })
        } else {
            (Addressing::Lba28, double_word(words, 60))
        };
        let [multiple_max, _] = words[47].to_le_bytes();
        Ok(Self {
            model: model(words),
            sector_count,
            addressing,
            has_dma: words[49] & 1 << 8 != 0,
            multiple_max: multiple_max.max(1),
        })
    }
}

fn double_word(words: &[u16; WORD_COUNT], first: usize) -> u32 {
    u32::from(words[first]) | u32::from(words[first + 1]) << 16
}

/// Words 27 to 46: two characters each, the first in the *upper* byte, padded with blanks.
fn model(words: &[u16; WORD_COUNT]) -> ArrayString<MODEL_BYTES> {
    let mut model = ArrayString::new();
    let characters = words[27..27 + MODEL_BYTES / 2].iter().flat_map(|word| word.to_be_bytes());
    for character in characters.map(char::from).filter(|character| matches!(character, ' '..='~')) {
        // 20 words hold no more than 40 characters, so all fit.
        let _ = model.try_push(character);
    }
    let trimmed_len = model.trim_end().len();
    model.truncate(trimmed_len);
    model
}

#[cfg(test)]
mod tests {
    use super::{Addressing, Identity, UnusableDisk};

    fn answer() -> [u16; 256] {
        let mut words = [0; 256];
        for (word, pair) in words[27..47].iter_mut().zip(b"QEMU HARDDISK                           ".chunks(2)) {
            *word = u16::from_be_bytes([pair[0], pair[1]]);
        }
        words[47] = 0x8010;
        words[49] = 1 << 9 | 1 << 8;
        [words[60], words[61]] = [0xFFFF, 0x0FFF];
        words
    }

    #[test]
    fn an_ordinary_disk_is_understood() {
        let identity = Identity::decode(&answer()).unwrap();
        assert_eq!(identity.model.as_str(), "QEMU HARDDISK");
        assert_eq!((identity.sector_count, identity.addressing), (0x0FFF_FFFF, Addressing::Lba28));
        assert_eq!((identity.has_dma, identity.multiple_max), (true, 16));
    }

    #[test]
    fn a_large_disk_is_measured_by_its_48_bit_words() {
        let mut words = answer();
        words[83] = 0x4400;
        [words[100], words[101]] = [0x0000, 0x2000];
        let identity = Identity::decode(&words).unwrap();
        assert_eq!((identity.sector_count, identity.addressing), (0x2000_0000, Addressing::Lba48));
        words[102] = 1;
        assert_eq!(Identity::decode(&words).unwrap().sector_count, u32::MAX);
    }

    #[test]
    fn words_that_are_marked_invalid_are_not_believed() {
        let mut words = answer();
        (words[83], words[106]) = (0xC400, 0xD000);
        assert_eq!(Identity::decode(&words).unwrap().addressing, Addressing::Lba28);
    }

    #[test]
    fn what_is_no_usable_disk_is_refused() {
        let mut words = answer();
        words[106] = 0x5000;
        assert_eq!(Identity::decode(&words), Err(UnusableDisk::LongSectors));
        words[49] = 0;
        assert_eq!(Identity::decode(&words), Err(UnusableDisk::NoLba));
        words[0] = 0x8580;
        assert_eq!(Identity::decode(&words), Err(UnusableDisk::NotADisk));
    }
}
