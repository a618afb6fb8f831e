//! A swap file in many pieces, as one that was made on a used disk may be.

use std::fmt::Display;
use std::fs::File;
use std::io;

use abi::image::SWAP_FILE;
use anyhow::{Context, Result, ensure};
use fakefs::BLOCK_SIZE;

use crate::image;

/// Pages of the pieces, over and over. Most are so small that the pages which leave memory together lie in more pieces than one write has
/// requests in the queue at once.
const PIECES: [u32; 7] = [1, 2, 3, 5, 7, 11, 40];

/// Makes the swap file of an image anew, in pieces.
///
/// # Errors
/// If the image has none, or the new one is in too few pieces.
pub fn break_up(image: &File) -> io::Result<()> {
    try_break_up(&mut image.try_clone()?).map_err(io::Error::other)
}

fn failed(error: impl Display) -> anyhow::Error {
    anyhow::anyhow!("the swap file cannot be broken up: {error}")
}

fn try_break_up(image: &mut File) -> Result<()> {
    let mut files = image::mount(image)?;
    let old = files.files().lookup(SWAP_FILE).context("there is no swap file")?;
    let pages = files.files().len_bytes(old).map_err(failed)? / BLOCK_SIZE;
    files.remove(SWAP_FILE).map_err(failed)?;
    let (swap, gaps) = (files.create(SWAP_FILE).map_err(failed)?, files.create("gaps").map_err(failed)?);
    let ends = PIECES.iter().cycle().scan(0, |end, piece| {
        *end += piece;
        Some((*end).min(pages))
    });
    for (number, end) in (1u32..).zip(ends) {
        files.preallocate(swap, end * BLOCK_SIZE).map_err(failed)?;
        // The block after the piece is taken: the next piece lies elsewhere.
        files.preallocate(gaps, number * BLOCK_SIZE).map_err(failed)?;
        if end == pages {
            break;
        }
    }
    let pieces = files.files().extents(swap).map_err(failed)?.len();
    ensure!(pieces > pages as usize / 32, "{pages} pages lie in {pieces} pieces only");
    Ok(())
}
