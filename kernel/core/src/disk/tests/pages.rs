//! Files in pieces, and runs of their pages.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use crate::addr::{Frame, PAGE_SIZE, PhysAddr};
use crate::disk::{
    Addressing, Direction, DiskError, PagePieces, QUEUE_CAPACITY, Queue, REQUEST_SEGMENTS_MAX, Request, RunTransfer,
    SECTOR_SIZE, SectorIndex, Segment, request_from,
};

const PAGE_SECTORS: u32 = PAGE_SIZE / SECTOR_SIZE;
const DISK_SECTORS: u32 = 100_000;

/// The pieces of a file, each with its first sector and its pages. They lie anywhere, also right after each other.
fn pieces() -> impl Strategy<Value = Vec<(u32, u32)>> {
    // Some hold more pages than one request moves.
    vec((0u32..200, prop_oneof![3 => 0u32..12, 1 => 30u32..70]), 0..8).prop_map(|pieces| {
        let mut used = 0;
        let place = |(gap, pages): (u32, u32)| {
            let first = used + gap % 5 * PAGE_SECTORS + u32::from(gap > 100);
            used = first + pages * PAGE_SECTORS;
            (first, pages)
        };
        let mut placed: Vec<_> = pieces.into_iter().map(place).collect();
        // The file's order is not the disk's.
        let count = placed.len().max(1);
        placed.rotate_left(used as usize % count);
        placed
    })
}

fn made_of(pieces: &[(u32, u32)]) -> (PagePieces, Vec<u32>) {
    let file = PagePieces::new(pieces.iter().map(|&(first, pages)| (SectorIndex::new(first), pages)).collect());
    let sectors = pieces.iter().flat_map(|&(first, pages)| (0..pages).map(move |page| first + page * PAGE_SECTORS));
    (file, sectors.collect())
}

/// Not in the order of the pages.
fn frames(count: usize) -> Vec<Frame> {
    (0..count).map(|index| Frame::new(u32::try_from(index * 7919 % 1009).unwrap())).collect()
}

#[test]
fn the_second_piece_of_a_file_begins_where_it_lies() {
    let (file, _) = made_of(&[(1000, 3), (200, 2)]);
    let found = [0, 2, 3, 4, 5].map(|page| file.run_at(page).map(|(sector, pages)| (sector.number(), pages)));
    assert_eq!(found, [Some((1000, 3)), Some((1016, 1)), Some((200, 2)), Some((208, 1)), None]);
    assert_eq!(file.page_count(), 5);
}

#[test]
fn a_sector_that_has_no_number_is_no_place() {
    let file = PagePieces::new(vec![(SectorIndex::new(u32::MAX - PAGE_SECTORS), 3)]);
    assert_eq!([0, 1, 2].map(|page| file.run_at(page).is_some()), [true, true, false]);
    let huge = PagePieces::new(vec![(SectorIndex::new(8), u32::MAX)]);
    assert_eq!(huge.run_at(u32::MAX - 1), None);
}

proptest! {
    #[test]
    fn each_page_lies_in_its_piece(pieces in pieces()) {
        let (file, sectors) = made_of(&pieces);
        prop_assert_eq!(file.page_count() as usize, sectors.len());
        for (page, &sector) in (0..).zip(&sectors) {
            let (first, pages) = file.run_at(page).unwrap();
            prop_assert_eq!(first, SectorIndex::new(sector));
            let follow = sectors[page as usize..].iter().zip((sector..).step_by(PAGE_SECTORS as usize));
            let in_a_row = follow.take_while(|(found, expected)| *found == expected).count();
            prop_assert!((1..=in_a_row).contains(&(pages as usize)), "{} of {}", pages, in_a_row);
        }
        prop_assert_eq!(file.run_at(file.page_count()), None);
    }

    /// Each page is moved once, between its own frame and its own sectors, with as few requests as its place allows.
    #[test]
    fn requests_take_each_page_to_its_place(pieces in pieces()) {
        let (file, sectors) = made_of(&pieces);
        let frames = frames(sectors.len());
        let mut from = 0;
        while from < frames.len() {
            let (first, segments) = request_from(&frames, from, |page| file.run_at(page)).unwrap();
            for (index, segment) in segments.iter().enumerate() {
                let sector = first.number() + u32::try_from(index).unwrap() * PAGE_SECTORS;
                prop_assert_eq!(sector, sectors[from + index]);
                prop_assert_eq!(*segment, Segment { start: frames[from + index].start(), len_bytes: PAGE_SIZE });
            }
            from += segments.len();
            prop_assert!(!segments.is_empty() && segments.len() <= REQUEST_SEGMENTS_MAX);
            let ends_its_piece = file.run_at(u32::try_from(from - 1).unwrap()).unwrap().1 == 1;
            prop_assert!(ends_its_piece || segments.len() == REQUEST_SEGMENTS_MAX, "one more would fit");
        }
        prop_assert_eq!(request_from(&frames, from, |page| file.run_at(page)), None);
        prop_assert_eq!(request_from(&frames, 0, |_| None), None);
    }

    /// Other requests fill the queue, and the run lies in many pieces. Each page is written once, to its place, and the transfer ends when
    /// all results are there.
    #[test]
    fn a_run_is_written_whole_or_said_to_have_failed(
        pieces in pieces(),
        mut others in 0..=QUEUE_CAPACITY,
        (fails, is_cut_short) in any::<(bool, bool)>(),
        steps in vec(any::<bool>(), 0..60),
    ) {
        let (file, sectors) = made_of(&pieces);
        let frames = frames(sectors.len() + usize::from(is_cut_short));
        let mut queue = Queue::<()>::new();
        queue.set_disk(DISK_SECTORS, Addressing::Lba48);
        let request = |first_sector, segments: &[Segment], queue: &mut Queue<()>| {
            queue.submit(&Request { direction: Direction::Write, first_sector, segments, waiter: None })
        };
        let elsewhere = Segment { start: PhysAddr::new(0), len_bytes: SECTOR_SIZE };
        let mut ids: Vec<_> = (0..others)
            .map(|index| SectorIndex::new(50_000 + 2 * u32::try_from(index).unwrap()))
            .map(|sector| request(sector, &[elsewhere], &mut queue).unwrap())
            .collect();
        let (mut transfer, mut written, mut most) = (RunTransfer::new(), Vec::new(), 0);
        let result = if fails { Err(DiskError::Dead) } else { Ok(()) };
        for (step, ends_one) in steps.into_iter().chain([true; 400]).enumerate() {
            let queued = std::cell::RefCell::new(&mut queue);
            let is_done = transfer.advance(
                &frames,
                |page| file.run_at(page),
                |id| queued.borrow_mut().take(id),
                |first, segments| {
                    let id = request(first, segments, &mut queued.borrow_mut())?;
                    written.extend((0..).zip(segments).map(|(index, segment): (u32, &Segment)| {
                        (segment.start, first.number() + index * PAGE_SECTORS)
                    }));
                    Ok(id)
                },
            );
            most = most.max(queue.len() - ids.len());
            prop_assert!(!is_done || queue.len() == ids.len(), "done, with requests in the queue");
            if is_done {
                let expected: Vec<_> = frames.iter().map(|frame| frame.start()).zip(sectors).collect();
                prop_assert_eq!(transfer.has_failed(), is_cut_short || fails && !expected.is_empty());
                prop_assert!(expected.starts_with(&written) && (transfer.has_failed() || written == expected));
                prop_assert!(most <= 4, "{} requests at once", most);
                return Ok(());
            }
            if ends_one {
                queue.begin();
                queue.finish(result, |()| {});
            }
            // The owners of the others take their results.
            if step % 3 == 0 && others > 0 {
                others -= 1;
                if queue.is_done(ids[others]) {
                    queue.take(ids[others]);
                    ids.truncate(others);
                } else {
                    others += 1;
                }
            }
        }
        prop_assert!(false, "the run never came to an end");
    }
}
