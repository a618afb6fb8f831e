//! Values that a machine cannot have, refused with the reason.

use abi::image::FRAMES_MIN;

use crate::size::Size;

/// The smallest memory: firmware and boot loader use the first MiB.
const RAM_MIN: Size = Size::bytes(1 << 20);
/// The largest memory. From 3584 MiB on, this PC puts a part of its memory above 4 GiB, which a CPU without PAE cannot reach.
const RAM_MAX: Size = Size::bytes(3583 << 20);
/// The largest swap file: a file has less than 4 GiB, and the swap file has whole pages.
const SWAP_MAX: Size = Size::bytes((4 << 30) - 4096);

/// Reads the size of the memory.
///
/// # Errors
/// If it is no size, or none that the machine can have.
pub fn ram(text: &str) -> Result<Size, String> {
    let size: Size = text.parse()?;
    if size < RAM_MIN || size > RAM_MAX {
        return Err(format!("a machine has from {RAM_MIN} to {RAM_MAX} of memory"));
    }
    Ok(size)
}

/// Reads the size of the swap file; 0 is none.
///
/// # Errors
/// If it is no size, or too large.
pub fn swap(text: &str) -> Result<Size, String> {
    let size: Size = if text == "0" { Size::bytes(0) } else { text.parse()? };
    if size > SWAP_MAX {
        return Err(format!("a swap file has at most {SWAP_MAX}, which is 4G less one page"));
    }
    Ok(size)
}

/// Reads the number of frames for programs.
///
/// # Errors
/// If it is no number, or fewer than the machine needs.
pub fn frames(text: &str) -> Result<u32, String> {
    let frames = text.parse().map_err(|_| "give a whole number".to_string())?;
    if frames < FRAMES_MIN {
        return Err(format!("the shell and one program need at least {FRAMES_MIN} frames"));
    }
    Ok(frames)
}

/// Reads a time in minutes.
///
/// # Errors
/// If it is no number, or none that a clock reaches.
pub fn minutes(text: &str) -> Result<f64, String> {
    const WEEK: f64 = 7.0 * 24.0 * 60.0;
    let minutes: f64 = text.parse().map_err(|_| "give a number of minutes".to_string())?;
    if minutes > 0.0 && minutes <= WEEK {
        Ok(minutes)
    } else {
        Err("give more than 0 minutes, and at most a week".into())
    }
}

#[cfg(test)]
mod tests {
    use super::{frames, minutes, ram, swap};

    #[test]
    fn time_is_more_than_nothing_and_less_than_for_ever() {
        assert_eq!(minutes("0.5"), Ok(0.5));
        for text in ["0", "-1", "NaN", "inf", "1e9", "soon"] {
            assert!(minutes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn memory_that_the_cpu_cannot_reach_is_refused() {
        assert!(ram("1M").is_ok() && ram("3583M").is_ok());
        for text in ["5G", "3584M", "1023K"] {
            assert!(ram(text).unwrap_err().contains("from 1M to 3583M"), "{text}");
        }
    }

    #[test]
    fn swap_file_that_no_file_can_hold_is_refused_with_the_largest_size() {
        assert!(swap("4194300K").is_ok());
        for text in ["4G", "5G", "4194301K"] {
            assert!(swap(text).unwrap_err().contains("at most 4194300K"), "{text}");
        }
    }

    #[test]
    fn too_few_frames_are_refused_with_the_least_number() {
        assert_eq!(frames("20"), Ok(20));
        for text in ["0", "1", "10", "19"] {
            assert!(frames(text).unwrap_err().contains("at least 20 frames"), "{text}");
        }
        assert!(frames("-1").is_err() && frames("many").is_err());
    }
}
