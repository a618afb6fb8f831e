//! From the boot loader's memory map to the two frame pools.

use core::fmt;

use arrayvec::ArrayVec;

use crate::addr::{Frame, PAGE_COUNT, PAGE_SIZE};
use crate::frame_pool::{ContiguousFramePool, FrameInfo};

/// One entry of the boot loader's map (Multiboot Specification 0.6.96, "Boot information format": `mmap_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapEntry {
    /// The first byte.
    pub base: u64,
    /// The length in bytes.
    pub len: u64,
    /// It is memory that may be used.
    pub is_ram: bool,
}

/// A run of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRange {
    /// The first frame.
    pub first: Frame,
    /// How many.
    pub count: u32,
}

impl FrameRange {
    const fn new(start: u32, end: u32) -> Self {
        Self { first: Frame::new(start), count: end.saturating_sub(start) }
    }

    /// The number of the frame behind the last.
    pub const fn end(&self) -> u32 {
        self.first.number() + self.count
    }
}

/// The most runs of memory that are used; further ones, the smallest machines never have, are left alone.
pub const MAX_RANGES: usize = 16;

/// What physical memory is used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Division {
    /// The kernel frame pool, right behind the kernel's image.
    pub kernel: FrameRange,
    /// The process frame pool spans all of this...
    pub process: FrameRange,
    /// ...but for these holes.
    pub holes: ArrayVec<FrameRange, MAX_RANGES>,
}

impl Division {
    /// The process frame pool: all frames of `process` but the holes, and no more than `limit` of them if there is a limit. `info` has an
    /// entry for each frame of `process`.
    pub fn process_pool<'a>(&self, info: &'a mut [FrameInfo], limit: Option<u32>) -> ContiguousFramePool<'a> {
        debug_assert_eq!(info.len(), self.process.count as usize);
        let mut pool = ContiguousFramePool::new(self.process.first, info);
        for hole in &self.holes {
            pool.mark_inaccessible(hole.first, hole.count);
        }
        let mut end = self.process.end();
        while limit.is_some_and(|limit| pool.free_count() > limit) {
            end -= 1;
            pool.mark_inaccessible(Frame::new(end), 1);
        }
        pool
    }
}

/// The machine has too little memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLittleMemory {
    /// KiB of memory from 1 MiB on that BorrowOS needs.
    pub needed_kib: u32,
    /// KiB that there are.
    pub found_kib: u32,
}

impl fmt::Display for TooLittleMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needed_kib, found_kib } = self;
        write!(f, "BorrowOS needs at least {needed_kib} KiB of memory above 1 MiB; this machine has {found_kib} KiB")
    }
}

/// Memory below this is the firmware's, the boot loader's and the screen's.
const FIRST_USABLE: u32 = (1 << 20) / PAGE_SIZE;

/// The smallest kernel pool: page tables, frame tables, a heap and some kernel stacks.
const KERNEL_POOL_MIN: u32 = (1 << 20) / PAGE_SIZE;
/// The largest: more would only be taken from processes.
const KERNEL_POOL_MAX: u32 = (64 << 20) / PAGE_SIZE;
/// The fewest process frames with which a program can run.
const PROCESS_POOL_MIN: u32 = 64;

/// Divides memory. The kernel's image ends before frame `kernel_end`.
///
/// Entries may overlap, be out of order or make no sense; where one says that memory is not to be used, that counts.
///
/// # Errors
/// `TooLittleMemory` if the machine cannot run even one program.
pub fn divide(map: &[MapEntry], kernel_end: Frame) -> Result<Division, TooLittleMemory> {
    let ram = usable_ranges(map);
    let kernel_end = kernel_end.number();
    let too_little = || TooLittleMemory {
        needed_kib: (kernel_end - FIRST_USABLE + KERNEL_POOL_MIN + PROCESS_POOL_MIN) * (PAGE_SIZE / 1024),
        found_kib: ram.iter().map(|range| range.count).sum::<u32>() * (PAGE_SIZE / 1024),
    };
    let home = ram
        .iter()
        .find(|range| range.first.number() <= kernel_end && kernel_end < range.end())
        .ok_or_else(too_little)?;
    let behind_kernel: u32 =
        ram.iter().map(|range| range.end().saturating_sub(range.first.number().max(kernel_end))).sum();
    let wanted = (behind_kernel / 4).clamp(KERNEL_POOL_MIN, KERNEL_POOL_MAX);
    let kernel = FrameRange::new(kernel_end, kernel_end.saturating_add(wanted).min(home.end()));
    let rest: ArrayVec<FrameRange, MAX_RANGES> = ram
        .iter()
        .map(|range| FrameRange::new(range.first.number().max(kernel.end()), range.end().max(kernel.end())))
        .filter(|range| range.count > 0)
        .collect();
    let (Some(first), Some(last)) = (rest.first(), rest.last()) else { return Err(too_little()) };
    let process = FrameRange::new(first.first.number(), last.end());
    let holes: ArrayVec<FrameRange, MAX_RANGES> =
        rest.windows(2).map(|pair| FrameRange::new(pair[0].end(), pair[1].first.number())).collect();
    let usable: u32 = rest.iter().map(|range| range.count).sum();
    if kernel.count < KERNEL_POOL_MIN || usable < PROCESS_POOL_MIN {
        return Err(too_little());
    }
    Ok(Division { kernel, process, holes })
}

/// The runs of whole frames from 1 MiB on that are memory and nothing else, in order.
fn usable_ranges(map: &[MapEntry]) -> ArrayVec<FrameRange, MAX_RANGES> {
    let mut ranges = ArrayVec::new();
    let mut at = FIRST_USABLE;
    while at < PAGE_COUNT && !ranges.is_full() {
        let (is_usable, end) = nature_of(map, at);
        if is_usable {
            match ranges.last_mut() {
                Some(FrameRange { first, count }) if first.number() + *count == at => *count += end - at,
                _ => ranges.push(FrameRange::new(at, end)),
            }
        }
        at = end;
    }
    ranges
}

/// Whether the frame is usable, and the first frame behind it where that may change.
fn nature_of(map: &[MapEntry], frame: u32) -> (bool, u32) {
    let (mut is_ram, mut is_reserved, mut end) = (false, false, PAGE_COUNT);
    for entry in map {
        let Some((first, last)) = frames_of(entry) else { continue };
        if frame < first {
            end = end.min(first);
        } else if frame < last {
            end = end.min(last);
            is_ram |= entry.is_ram;
            is_reserved |= !entry.is_ram;
        }
    }
    (is_ram && !is_reserved, end)
}

/// The frames of an entry: all that lie wholly in memory, or all that something reserved touches.
fn frames_of(entry: &MapEntry) -> Option<(u32, u32)> {
    let page = u64::from(PAGE_SIZE);
    let end = entry.base.saturating_add(entry.len);
    let (first, last) =
        if entry.is_ram { (entry.base.div_ceil(page), end / page) } else { (entry.base / page, end.div_ceil(page)) };
    let clip = |frame: u64| u32::try_from(frame.min(u64::from(PAGE_COUNT))).unwrap_or(PAGE_COUNT);
    (first < last).then(|| (clip(first), clip(last)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

    use super::{Division, FrameRange, MapEntry, TooLittleMemory, divide};
    use crate::addr::Frame;
    use crate::frame_pool::FrameInfo;

    const MIB: u64 = 1 << 20;

    fn ram(base: u64, len: u64) -> MapEntry {
        MapEntry { base, len, is_ram: true }
    }

    fn reserved(base: u64, len: u64) -> MapEntry {
        MapEntry { base, len, is_ram: false }
    }

    const KERNEL_END: Frame = Frame::new(512);

    #[test]
    fn a_plain_pc_is_divided_into_kernel_and_process_frames() {
        let map =
            [ram(0, 0x9FC00), reserved(0x9FC00, 0x400), ram(MIB, 31 * MIB - 0x20000), reserved(0x1FE_0000, 0x20000)];
        let division = divide(&map, KERNEL_END).unwrap();
        assert_eq!(division.kernel.first, KERNEL_END);
        assert_eq!(division.process, FrameRange::new(division.kernel.end(), 0x1FE0));
        assert!(division.holes.is_empty());
    }

    #[test]
    fn a_hole_between_two_runs_is_known() {
        let map = [ram(MIB, 31 * MIB), ram(64 * MIB, 64 * MIB), reserved(80 * MIB, 1)];
        let division = divide(&map, KERNEL_END).unwrap();
        let holes: Vec<_> = division.holes.iter().map(|hole| (hole.first.number(), hole.count)).collect();
        assert_eq!(holes, [(32 * 256, 32 * 256), (80 * 256, 1)]);
        assert_eq!(division.process.end(), 128 * 256);
    }

    /// All frames that the process pool hands out, in order.
    fn handed_out(division: &Division, limit: Option<u32>) -> Vec<u32> {
        let mut info = vec![FrameInfo::default(); division.process.count as usize];
        let mut pool = division.process_pool(&mut info, limit);
        let mut frames: Vec<_> = core::iter::from_fn(|| pool.get_frame()).map(Frame::number).collect();
        frames.sort_unstable();
        frames
    }

    #[test]
    fn the_process_pool_hands_out_no_frame_of_a_hole() {
        let map = [ram(MIB, 31 * MIB), ram(48 * MIB, 16 * MIB), reserved(56 * MIB, 5000)];
        let division = divide(&map, KERNEL_END).unwrap();
        let expected: Vec<u32> =
            (division.kernel.end()..32 * 256).chain(48 * 256..56 * 256).chain(56 * 256 + 2..64 * 256).collect();
        assert_eq!(handed_out(&division, None), expected);
        assert_eq!(handed_out(&division, Some(100)), expected[..100]);
        // With a limit that only frames after the first hole reach.
        let most = 32 * 256 - division.kernel.end() + 5;
        assert_eq!(handed_out(&division, Some(most)), expected[..most as usize]);
    }

    #[test]
    fn too_little_memory_is_said_with_numbers() {
        let error = divide(&[ram(MIB, MIB)], Frame::new(256 + 100)).unwrap_err();
        assert_eq!(error, TooLittleMemory { needed_kib: 400 + 1024 + 256, found_kib: 1024 });
        assert!(error.to_string().contains("at least 1680 KiB"));
        assert!(divide(&[], KERNEL_END).is_err());
        assert!(divide(&[ram(0, u64::MAX), reserved(0, u64::MAX)], KERNEL_END).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Each frame of memory is the kernel's, or the image's, or handed out by the process pool; no other frame is.
        #[test]
        fn the_pools_share_all_memory_and_nothing_else(
            entries in proptest::collection::vec((0u32..40 << 20, 0u32..8 << 20, any::<bool>()), 0..8),
            limit in proptest::option::of(0u32..12_000),
        ) {
            let mut map: Vec<_> = entries.into_iter()
                .map(|(base, len, is_ram)| MapEntry { base: base.into(), len: len.into(), is_ram }).collect();
            map.push(ram(MIB, 30 * MIB));
            if let Ok(division) = divide(&map, KERNEL_END) {
                let is_memory = |number: &u32| {
                    let (start, end) = (u64::from(*number) * 4096, u64::from(*number) * 4096 + 4096);
                    let touches = |entry: &MapEntry| entry.len > 0 && entry.base < end && start < entry.base + entry.len;
                    // One entry that holds all of the frame: the parts of two are not put together.
                    let is_whole = map.iter().any(|entry| entry.is_ram && entry.base <= start && end <= entry.base + entry.len);
                    is_whole && !map.iter().any(|entry| !entry.is_ram && touches(entry))
                };
                let mut expected: Vec<u32> = (division.kernel.end()..49 * 256).filter(is_memory).collect();
                expected.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
                prop_assert!((division.kernel.first.number()..division.kernel.end()).all(|number| is_memory(&number)));
                prop_assert!(handed_out(&division, limit) == expected);
            }
        }
    }

    proptest! {
        #[test]
        fn no_frame_is_used_that_is_not_memory(entries in proptest::collection::vec((any::<u32>(), any::<u32>(), any::<bool>()), 0..8)) {
            let mut map: Vec<_> = entries.into_iter()
                .map(|(base, len, is_ram)| MapEntry { base: u64::from(base) * 2, len: u64::from(len), is_ram }).collect();
            map.push(ram(MIB, 3000 * MIB));
            if let Ok(division) = divide(&map, KERNEL_END) {
                let holes = &division.holes;
                let mut numbers = vec![division.kernel.first.number(), division.kernel.end() - 1, division.process.first.number(), division.process.end() - 1];
                numbers.extend(holes.iter().map(|hole| hole.first.number() - 1));
                numbers.extend(holes.iter().map(|hole| hole.end()));
                for number in numbers {
                    let (start, end) = (u64::from(number) * 4096, u64::from(number) * 4096 + 4096);
                    prop_assert!(map.iter().any(|entry| entry.is_ram && entry.base < end && start < entry.base + entry.len));
                    prop_assert!(map.iter().all(|entry| entry.is_ram || entry.len == 0 || entry.base >= end || entry.base + entry.len <= start));
                }
            }
        }
    }
}
