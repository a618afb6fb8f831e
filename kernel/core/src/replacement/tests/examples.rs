//! The textbook's example for each policy, victim by victim.

use super::memory::{Behaviour, Memory, frame, frames};
use crate::replacement::{Aging, Clock, Fifo, NotRecentlyUsed, RandomPage, Replacement, Sieve, WorkingSetClock};

/// Memory full of clean pages that arrived in order of their frames, all of them used by that.
fn full(policy: &mut dyn Replacement, count: u32) -> Memory {
    let mut memory = Memory::new(count, Behaviour::Scripted);
    (0..count).for_each(|index| memory.arrive(policy, index, 0, false));
    memory
}

/// As [`full`], but these pages alone were used.
fn full_and_used(policy: &mut dyn Replacement, count: u32, used: &[u32]) -> Memory {
    let mut memory = full(policy, count);
    (0..count).for_each(|index| memory.page_mut(index).is_accessed = used.contains(&index));
    memory
}

/// One fault: a victim goes and a clean page arrives in its frame.
fn replace(policy: &mut dyn Replacement, memory: &mut Memory) -> u32 {
    memory.now += 1;
    let victim = memory.evict(policy).unwrap();
    memory.arrive(policy, victim, 0, false);
    victim
}

fn evict_all(policy: &mut dyn Replacement, memory: &mut Memory) -> Vec<u32> {
    std::iter::from_fn(|| memory.evict(policy)).collect()
}

#[test]
fn random_gives_each_owner_the_same_chance_whatever_it_has() {
    let mut policy = RandomPage::new(frames(10), 1).unwrap();
    let mut memory = Memory::new(10, Behaviour::Scripted);
    (0..10).for_each(|index| memory.arrive(&mut policy, index, u16::from(index == 0), false));
    let of_the_small_one = (0..1000).filter(|_| policy.choose(&mut memory) == Some(frame(0))).count();
    assert!((450..550).contains(&of_the_small_one), "{of_the_small_one} of 1000");
}

/// Few pages are found by their owner's list, many by drawing frames.
#[test]
fn random_draws_each_page_of_an_owner_as_often_whether_it_has_few_or_many() {
    for pages in [3, 9] {
        let mut policy = RandomPage::new(frames(10), 1).unwrap();
        let mut memory = Memory::new(10, Behaviour::Scripted);
        (0..pages).for_each(|index| memory.arrive(&mut policy, index, 1, false));
        let mut draws = vec![0; pages as usize];
        for _ in 0..1000 * pages {
            let victim = policy.choose(&mut memory).unwrap();
            draws[(0..10).position(|index| frame(index) == victim).unwrap()] += 1;
        }
        assert!(draws.iter().all(|count| (850..1150).contains(count)), "{draws:?}");
    }
}

#[test]
fn fifo_goes_by_arrival_whoever_is_used() {
    let mut policy = Fifo::new(frames(4)).unwrap();
    let mut memory = Memory::new(4, Behaviour::Scripted);
    [2, 0, 3, 1].into_iter().for_each(|index| memory.arrive(&mut policy, index, 0, false));
    memory.access(2);
    assert_eq!(replace(&mut policy, &mut memory), 2);
    assert_eq!(replace(&mut policy, &mut memory), 0);
    memory.leave(&mut policy, 3);
    assert_eq!(evict_all(&mut policy, &mut memory), [1, 2, 0]);
}

#[test]
fn the_clock_gives_used_pages_a_second_chance() {
    let mut policy = Clock::new(frames(5)).unwrap();
    let mut memory = full_and_used(&mut policy, 5, &[0, 1, 3]);
    assert_eq!(replace(&mut policy, &mut memory), 2, "0 and 1 are passed");
    assert_eq!(replace(&mut policy, &mut memory), 4, "3 is passed");
    assert_eq!(replace(&mut policy, &mut memory), 0, "nobody used it after the hand was there");
    memory.access(1);
    assert_eq!(replace(&mut policy, &mut memory), 3, "1 is passed again, and so is 2, which is new");
}

#[test]
fn on_a_clock_a_new_page_takes_the_place_of_the_old() {
    let mut policies: [Box<dyn Replacement>; 2] =
        [Box::new(Clock::new(frames(5)).unwrap()), Box::new(WorkingSetClock::new(frames(5)).unwrap())];
    for policy in &mut policies {
        let mut memory = full_and_used(&mut **policy, 5, &[0, 1]);
        memory.now = 5;
        assert_eq!(replace(&mut **policy, &mut memory), 2);
        memory.page_mut(2).is_accessed = false;
        memory.now = 20;
        assert_eq!(evict_all(&mut **policy, &mut memory), [3, 4, 0, 1, 2], "{}", policy.name());
    }
}

#[test]
fn the_clock_is_a_queue_while_all_are_used() {
    let mut policy = Clock::new(frames(3)).unwrap();
    let mut memory = full(&mut policy, 3);
    memory.behaviour = Behaviour::Busy;
    assert_eq!([(); 5].map(|()| replace(&mut policy, &mut memory)), [0, 1, 2, 0, 1]);
}

#[test]
fn nru_takes_the_classes_from_the_lowest_to_the_highest() {
    let mut policy = NotRecentlyUsed::new(frames(8), 1).unwrap();
    let mut memory = full_and_used(&mut policy, 8, &[0, 1, 4, 5]);
    [0, 4, 2, 6].into_iter().for_each(|index| memory.page_mut(index).is_dirty = true);
    let victims = evict_all(&mut policy, &mut memory);
    let classes: Vec<Vec<u32>> =
        victims.chunks(2).map(|pair| (0..8).filter(|index| pair.contains(index)).collect()).collect();
    assert_eq!(classes, [[3, 7], [2, 6], [1, 5], [0, 4]], "unused clean, unused dirty, used clean, used dirty");
}

#[test]
fn nru_draws_evenly_within_a_class() {
    let mut policy = NotRecentlyUsed::new(frames(5), 1).unwrap();
    let mut memory = full_and_used(&mut policy, 5, &[2]);
    let mut draws = [0; 5];
    for _ in 0..1000 {
        let victim = policy.choose(&mut memory).unwrap();
        draws[(0..5).position(|index| frame(index) == victim).unwrap()] += 1;
    }
    assert_eq!(draws[2], 0);
    assert!([0, 1, 3, 4].iter().all(|&index| (200..300).contains(&draws[index])), "{draws:?}");
}

#[test]
fn nru_forgets_what_was_used_in_the_last_period() {
    let mut policy = NotRecentlyUsed::new(frames(8), 1).unwrap();
    let mut memory = full(&mut policy, 8);
    memory.now = 1;
    policy.choose(&mut memory).unwrap();
    memory.access(0);
    memory.now = 2;
    policy.choose(&mut memory).unwrap();
    assert!((1..8).all(|index| !memory.page_mut(index).is_accessed), "the period lasts two faults");
    (0..7).for_each(|index| memory.access(index));
    assert_eq!(memory.evict(&mut policy), Some(7));
}

/// Tanenbaum's figure: six pages over five clock ticks. Each counter has besides one bit more than the book's, from its arrival.
#[test]
fn aging_shifts_what_was_used_into_the_counters() {
    let mut policy = Aging::new(frames(6)).unwrap();
    let mut memory = full_and_used(&mut policy, 6, &[]);
    for used in [&[0u32, 2, 4, 5][..], &[0, 1, 4], &[0, 1, 3, 5], &[0, 4], &[1, 2]] {
        memory.now += 1;
        used.iter().for_each(|&index| memory.access(index));
        policy.choose(&mut memory).unwrap();
    }
    let book = [0b0111_1000, 0b1011_0000, 0b1000_1000, 0b0010_0000, 0b0101_1000, 0b0010_1000];
    let of_arrival = 0b100;
    assert_eq!(
        [0, 1, 2, 3, 4, 5].map(|index| policy.counter(frame(index))),
        book.map(|counter: u8| counter | of_arrival)
    );
    assert_eq!(evict_all(&mut policy, &mut memory), [3, 5, 4, 0, 2, 1]);
}

#[test]
fn aging_keeps_the_newest_and_takes_the_oldest_of_equals() {
    let mut policy = Aging::new(frames(4)).unwrap();
    let mut memory = full_and_used(&mut policy, 4, &[]);
    assert_eq!([(); 4].map(|()| replace(&mut policy, &mut memory)), [0, 1, 2, 3]);
}

#[test]
fn wsclock_prefers_old_clean_pages() {
    // Tau is a quarter of eight pages: two faults.
    let mut policy = WorkingSetClock::new(frames(8)).unwrap();
    let mut memory = full_and_used(&mut policy, 8, &[0, 2]);
    memory.now = 3;
    [1, 3].into_iter().for_each(|index| memory.page_mut(index).is_dirty = true);
    let mut order = Vec::new();
    order.extend(memory.evict(&mut policy));
    assert_eq!(order, [4], "0 and 2 are in use, 1 and 3 are old but dirty");
    order.extend((0..3).filter_map(|_| memory.evict(&mut policy)));
    assert_eq!(order, [4, 5, 6, 7], "the hand goes on to the old clean pages");
    order.extend((0..2).filter_map(|_| memory.evict(&mut policy)));
    assert_eq!(order[4..], [1, 3], "old dirty ones before 0 and 2, which are young");
    memory.page_mut(0).is_dirty = true;
    assert_eq!(evict_all(&mut policy, &mut memory), [2, 0], "of the young the clean one first");
}

#[test]
fn wsclock_keeps_a_page_for_tau_after_its_last_use() {
    let mut policy = WorkingSetClock::new(frames(8)).unwrap();
    let mut memory = full(&mut policy, 8);
    (0..8).for_each(|index| memory.page_mut(index).is_dirty = index != 5);
    memory.now = 10;
    assert_eq!(policy.choose(&mut memory), Some(frame(0)), "all are in use: the hand's");
    memory.now = 12;
    assert_eq!(policy.choose(&mut memory), Some(frame(5)), "all are young: a clean one");
    memory.now = 13;
    memory.page_mut(5).is_dirty = true;
    assert_eq!(policy.choose(&mut memory), Some(frame(5)), "all are old and dirty: the hand's");
    memory.page_mut(3).is_dirty = false;
    assert_eq!(policy.choose(&mut memory), Some(frame(3)), "old and clean");
}

/// The paper's figure: the hand passes what was visited, and new objects come in at the other end.
#[test]
fn sieve_keeps_the_visited_where_they_are() {
    let mut policy = Sieve::new(frames(7)).unwrap();
    let mut memory = full_and_used(&mut policy, 7, &[0, 1, 6]);
    assert_eq!(replace(&mut policy, &mut memory), 2, "0 and 1 were visited; the hand stops at 3");
    memory.access(0);
    assert_eq!(replace(&mut policy, &mut memory), 3, "0 did not move: it lies behind the hand");
    assert_eq!(replace(&mut policy, &mut memory), 4);
    assert_eq!(replace(&mut policy, &mut memory), 5);
    assert_eq!(replace(&mut policy, &mut memory), 6, "the latest arrival's first access was no visit");
    memory.access(2);
    assert_eq!(replace(&mut policy, &mut memory), 3, "the hand has come to the new ones, and passes 2");
    memory.access(4);
    memory.access(5);
    assert_eq!(replace(&mut policy, &mut memory), 6);
    assert_eq!(replace(&mut policy, &mut memory), 3);
    assert_eq!(replace(&mut policy, &mut memory), 6, "what is used only once goes soon");
    memory.access(3);
    assert_eq!(replace(&mut policy, &mut memory), 6, "the newest: the hand begins anew");
    assert_eq!(replace(&mut policy, &mut memory), 1, "0 was visited since the hand was there");
}

#[test]
fn sieve_demotes_what_is_used_once() {
    let mut policy = Sieve::new(frames(4)).unwrap();
    let mut memory = full(&mut policy, 4);
    for _ in 0..8 {
        (0..2).for_each(|index| memory.access(index));
        let victim = replace(&mut policy, &mut memory);
        assert!(victim >= 2, "a scan pushed {victim} out");
    }
}
