//! Random requests, against a disk on which one happens at a time.

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::drive::{Contents, channel, run, run_of};
use crate::disk::{Direction, DiskError, Request, RequestId, SECTOR_SIZE, SectorIndex};

#[derive(Clone, Debug)]
enum Event {
    Transfer(Direction, u32, Vec<u32>),
    Flush,
    Interrupt,
    Hiccup,
}

fn event() -> impl Strategy<Value = Event> {
    let direction = any::<bool>().prop_map(|read| if read { Direction::Read } else { Direction::Write });
    // Few sectors, so that requests often touch and overlap.
    let transfer = (direction, 0u32..150, proptest::collection::vec(1u32..9, 1..5));
    prop_oneof![
        6 => transfer.prop_map(|(direction, first, runs)| Event::Transfer(direction, first, runs)),
        1 => Just(Event::Flush),
        3 => Just(Event::Interrupt),
        1 => Just(Event::Hiccup),
    ]
}

/// What must have come of a request.
struct Expected {
    id: RequestId,
    read_to: Vec<(u32, Contents)>,
    fails: bool,
}

proptest! {
    #[test]
    fn every_byte_goes_where_it_would_go_one_request_at_a_time(
        events in proptest::collection::vec(event(), 1..60),
        bad_sectors in proptest::collection::btree_set(0u32..180, 0..3),
    ) {
        let mut channel = channel();
        channel.controller().bad_sectors.clone_from(&bad_sectors);
        let mut model_disk = channel.controller().disk.clone();
        let mut expected = Vec::new();
        let (mut next_place, mut next_value) = (0, 1_000_000);
        let mut may_hiccup = bad_sectors.is_empty();
        for event in events {
            match event {
                Event::Interrupt => channel.on_interrupt(0, |_| {}),
                // One is what every request can bear.
                Event::Hiccup if may_hiccup => {
                    channel.controller().hiccups = 1;
                    may_hiccup = false;
                }
                Event::Hiccup => {}
                Event::Flush => {
                    let id = channel.submit_flush(None, 0, |_| {}).unwrap();
                    expected.push(Expected { id, read_to: Vec::new(), fails: false });
                }
                Event::Transfer(direction, first, runs) => {
                    // Every run has memory of its own, with a gap behind it.
                    let segments: Vec<_> = runs.iter().map(|&len| {
                        let place = next_place;
                        next_place += len + 1;
                        run_of(place, len)
                    }).collect();
                    let places = segments.iter().flat_map(|run| {
                        (run.start.raw() / SECTOR_SIZE..).take((run.len_bytes / SECTOR_SIZE) as usize)
                    });
                    let pairs: Vec<(u32, u32)> = (first..).zip(places).collect();
                    let fails = pairs.iter().any(|(sector, _)| bad_sectors.contains(sector));
                    let mut read_to = Vec::new();
                    for &(sector, place) in &pairs {
                        match direction {
                            Direction::Read => read_to.push((place, model_disk[sector as usize])),
                            Direction::Write => {
                                next_value += 1;
                                channel.controller().memory[place as usize] = next_value;
                                if !fails {
                                    model_disk[sector as usize] = next_value;
                                }
                            }
                        }
                    }
                    let first_sector = SectorIndex::new(first);
                    let request = Request { direction, first_sector, segments: &segments, waiter: None };
                    let id = channel.submit(&request, 0, |_| {}).unwrap();
                    expected.push(Expected { id, read_to, fails });
                }
            }
        }
        run(&mut channel);
        for Expected { id, read_to, fails } in expected {
            let result = channel.take(id);
            if fails {
                prop_assert_eq!(result, Some(Err(DiskError::Uncorrectable)));
            } else {
                prop_assert_eq!(result, Some(Ok(())));
                for (place, value) in read_to {
                    prop_assert_eq!(channel.controller().memory[place as usize], value);
                }
            }
        }
        prop_assert!(channel.controller().disk == model_disk);
    }
}
