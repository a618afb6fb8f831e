//! Small file systems to be damaged: with few files or many, nearly full, and in pieces.

use fakefs::{BLOCK_SIZE, Volume};
use fuzz_core::Random;

use super::picture::Picture;

/// Numbers of blocks of a file system.
const SIZES: [u32; 5] = [35, 48, 80, 200, 600];
/// Kinds of names.
const NAMES: [&str; 4] =
    ["f", "a longer name with spaces ", "ü€😀", "the-longest-names-have-fifty-five-bytes-and-no-more-"];

/// A file system that follows from the numbers.
pub fn file_system(random: &mut Random) -> Picture {
    let size = random.one_of(&SIZES);
    let Ok(mut volume) = Volume::format(Picture::empty(size)) else { return Picture::empty(size) };
    let wanted = random.one_of(&[0, 1, 5, 30, 120]);
    let is_filled = random.once_in(3);
    for number in 0..wanted {
        let name = format!("{}{number}", random.one_of(&NAMES));
        let len = if random.once_in(4) { 0 } else { random.below(4 * BLOCK_SIZE) };
        let bytes = vec![random.byte() | 1; len as usize];
        // A full disk refuses some.
        let _ = volume.create(&name).and_then(|id| volume.write_at(id, 0, &bytes));
    }
    // Removed files leave holes, and the last file fills them in pieces.
    for number in (0..wanted).filter(|_| random.once_in(3)) {
        for name in NAMES {
            let _ = volume.remove(&format!("{name}{number}"));
        }
    }
    if is_filled {
        let rest = volume.files().free_blocks().saturating_sub(random.below(4));
        let _ = volume.create("filler").and_then(|id| volume.preallocate(id, rest * BLOCK_SIZE));
    }
    volume.into_device().settled()
}

#[cfg(test)]
mod tests {
    use fakefs::Volume;
    use fuzz_core::Random;

    use super::file_system;

    #[test]
    fn file_systems_are_full_or_not_and_in_pieces_or_not() {
        let (mut full, mut pieces, mut empty) = (0, 0, 0);
        for seed in 0..60 {
            let volume = Volume::mount(file_system(&mut Random::new(seed, 0))).unwrap();
            let files = volume.files();
            files.check().unwrap();
            full += u32::from(files.free_blocks() < 4);
            empty += u32::from(files.entries().count() == 0);
            pieces += u32::from(files.entries().any(|entry| files.extents(entry.id).unwrap().len() > 1));
        }
        assert!(full > 3 && pieces > 3 && empty > 3, "{full} {pieces} {empty}");
    }
}
