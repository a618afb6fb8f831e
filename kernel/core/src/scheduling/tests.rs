use std::collections::VecDeque;

use abi::Class;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{Dispatcher, Queues, SLICES_ALLOWED, draw};
use crate::process_table::ProcessSlot;
use crate::rng::Rng;

const DRAWS: u32 = 100_000;

/// How often each class is drawn.
fn shares(are_waiting: [bool; 3], seed: u64) -> [f64; 3] {
    let mut rng = Rng::from_seed(seed);
    let mut counts = [0; 3];
    (0..DRAWS).for_each(|_| counts[draw(are_waiting, &mut rng).unwrap() as usize] += 1);
    counts.map(|count| f64::from(count) / f64::from(DRAWS))
}

#[test]
fn the_cpu_is_drawn_six_to_three_to_one_and_an_absent_class_gives_its_share_away() {
    let expected = [
        ([true, true, true], [0.6, 0.3, 0.1]),
        ([false, true, true], [0.0, 0.75, 0.25]),
        ([true, true, false], [6.0 / 9.0, 3.0 / 9.0, 0.0]),
        ([true, false, true], [6.0 / 7.0, 0.0, 1.0 / 7.0]),
        ([true, false, false], [1.0, 0.0, 0.0]),
        ([false, true, false], [0.0, 1.0, 0.0]),
        ([false, false, true], [0.0, 0.0, 1.0]),
    ];
    for (are_waiting, expected) in expected {
        for seed in 0..5 {
            for (found, expected) in shares(are_waiting, seed).into_iter().zip(expected) {
                // Three per cent of the share itself, not of the whole.
                assert!((found - expected).abs() <= 0.03 * expected, "{are_waiting:?} {seed}: {found} not {expected}");
            }
        }
    }
    assert_eq!(draw([false; 3], &mut Rng::from_seed(0)), None);
}

fn dispatcher() -> Dispatcher {
    Dispatcher::new(Rng::from_seed(1)).unwrap()
}

#[test]
fn demotion_comes_with_the_sixth_slice_in_a_row_and_stays() {
    for (class, lower) in [(Class::RealTime, Class::Interactive), (Class::Interactive, Class::Background)] {
        let (mut dispatcher, slot) = (dispatcher(), ProcessSlot::new(3));
        dispatcher.set_class(slot, class);
        (0..SLICES_ALLOWED).for_each(|_| dispatcher.used_slice(slot));
        assert_eq!((SLICES_ALLOWED, dispatcher.class(slot)), (5, class));
        dispatcher.used_slice(slot);
        assert_eq!(dispatcher.class(slot), lower);
        (0..100).for_each(|_| dispatcher.gave_way(slot));
        assert_eq!(dispatcher.class(slot), lower, "for good");
    }
}

#[test]
fn giving_way_forgives_what_was_used() {
    let (mut dispatcher, slot) = (dispatcher(), ProcessSlot::new(3));
    for _ in 0..100 {
        (0..SLICES_ALLOWED).for_each(|_| dispatcher.used_slice(slot));
        dispatcher.gave_way(slot);
    }
    assert_eq!(dispatcher.class(slot), Class::Interactive);
}

#[test]
fn whoever_hands_its_slice_over_keeps_its_class() {
    let (mut dispatcher, [first, second]) = (dispatcher(), [0, 1].map(ProcessSlot::new));
    for _ in 0..100 {
        (0..SLICES_ALLOWED).for_each(|_| dispatcher.used_slice(first));
        dispatcher.hand_over(first, second);
        dispatcher.hand_over(second, first);
    }
    assert_eq!([first, second].map(|slot| dispatcher.class(slot)), [Class::Interactive; 2]);
}

#[test]
fn whoever_gets_the_cpu_by_a_message_stands_in_no_queue() {
    let (mut dispatcher, [sender, receiver, other]) = (dispatcher(), [0, 1, 2].map(ProcessSlot::new));
    dispatcher.enqueue(other);
    for is_woken_too in [false, true] {
        if is_woken_too {
            dispatcher.enqueue(receiver);
        }
        dispatcher.hand_over(sender, receiver);
        assert_eq!([sender, receiver, other].map(|slot| dispatcher.is_queued(slot)), [true, false, true]);
        assert_eq!([dispatcher.choose(), dispatcher.choose(), dispatcher.choose()], [Some(other), Some(sender), None]);
        dispatcher.enqueue(other);
    }
}

#[test]
fn the_lowest_class_cannot_be_left_downwards() {
    let (mut dispatcher, slot) = (dispatcher(), ProcessSlot::new(0));
    dispatcher.set_class(slot, Class::RealTime);
    (0..1000).for_each(|_| dispatcher.used_slice(slot));
    assert_eq!(dispatcher.class(slot), Class::Background);
}

proptest! {
    /// Everybody who stays runnable runs again within so many choices that missing it would be a bug, not bad luck: a class holds
    /// at least one ticket in ten, and within it everybody takes turns.
    #[test]
    fn nobody_starves(classes in proptest::collection::vec(0u32..3, 1..8), seed in any::<u64>()) {
        let mut dispatcher = Dispatcher::new(Rng::from_seed(seed)).unwrap();
        let slots: Vec<ProcessSlot> = (0..).take(classes.len()).map(ProcessSlot::new).collect();
        for (&slot, &class) in slots.iter().zip(&classes) {
            dispatcher.set_class(slot, Class::from_number(class).unwrap());
            dispatcher.enqueue(slot);
        }
        let mut last_run = vec![0; slots.len()];
        for choice in 1..5_000 {
            let chosen = dispatcher.choose().unwrap();
            last_run[chosen.index()] = choice;
            dispatcher.enqueue(chosen);
            prop_assert!(last_run.iter().all(|last| choice - last < 2_500), "{last_run:?} at {choice}");
        }
    }

    #[test]
    fn queues_are_first_in_first_out_and_hold_nobody_twice(
        steps in proptest::collection::vec((any::<u8>(), 0u16..6, 0u32..3), 0..300),
    ) {
        let mut queues = Queues::new().unwrap();
        let mut model = [VecDeque::new(), VecDeque::new(), VecDeque::new()];
        for (action, number, class) in steps {
            let slot = ProcessSlot::new(number);
            let class = Class::from_number(class).unwrap();
            let is_queued = model.iter().any(|queue| queue.contains(&slot));
            match action % 4 {
                0 | 1 => {
                    queues.enqueue(slot, class);
                    if !is_queued {
                        model[class as usize].push_back(slot);
                    }
                }
                2 => prop_assert_eq!(queues.pop(class), model[class as usize].pop_front()),
                _ => {
                    prop_assert_eq!(queues.remove(slot), is_queued);
                    model.iter_mut().for_each(|queue| queue.retain(|&queued| queued != slot));
                }
            }
            prop_assert_eq!(queues.are_waiting(), [0, 1, 2].map(|class: usize| !model[class].is_empty()));
            prop_assert_eq!(queues.is_empty(), model.iter().all(VecDeque::is_empty));
            for slot in (0..6).map(ProcessSlot::new) {
                prop_assert_eq!(queues.contains(slot), model.iter().any(|queue| queue.contains(&slot)));
            }
        }
        for &class in Class::ALL {
            while let Some(slot) = model[class as usize].pop_front() {
                prop_assert_eq!(queues.pop(class), Some(slot));
            }
            prop_assert_eq!(queues.pop(class), None);
        }
    }

    /// Whatever happens to processes, each is chosen as often as it was made runnable, and under the class it has then.
    #[test]
    fn a_change_of_class_moves_a_queued_process_and_loses_none(
        steps in proptest::collection::vec((0u8..5, 0u16..6, 0u32..3), 0..300),
    ) {
        let mut dispatcher = dispatcher();
        let mut runnable = std::collections::BTreeSet::new();
        for (action, number, class) in steps {
            let slot = ProcessSlot::new(number);
            match action {
                0 => {
                    dispatcher.enqueue(slot);
                    runnable.insert(slot);
                }
                1 => {
                    let class = Class::from_number(class).unwrap();
                    dispatcher.set_class(slot, class);
                    prop_assert_eq!(dispatcher.class(slot), class);
                }
                2 => {
                    dispatcher.remove(slot);
                    runnable.remove(&slot);
                }
                _ => match dispatcher.choose() {
                    Some(chosen) => prop_assert!(runnable.remove(&chosen)),
                    None => prop_assert!(runnable.is_empty()),
                },
            }
            prop_assert_eq!(dispatcher.is_empty(), runnable.is_empty());
            prop_assert!((0..6).map(ProcessSlot::new).all(|slot| dispatcher.is_queued(slot) == runnable.contains(&slot)));
        }
        let left: std::collections::BTreeSet<_> = std::iter::from_fn(|| dispatcher.choose()).collect();
        prop_assert_eq!(left, runnable);
    }
}
