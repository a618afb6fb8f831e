//! One set of properties that each policy of the list has.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use proptest::test_runner::TestCaseError;

use super::memory::{Behaviour, Memory, frame, frames};
use crate::addr::Frame;
use crate::frame_table::SpaceId;
use crate::replacement::{NAMES, NoPolicy, Owners, Replacement, by_name};

#[derive(Clone, Copy, Debug)]
enum Action {
    Arrive {
        owner: u16,
        is_dirty: bool,
    },
    Leave,
    Access {
        is_write: bool,
    },
    Pin(bool),
    Faults(u8),
    /// The pager asks, and either borrows the victim or finds that it cannot.
    Choose {
        is_borrowed: bool,
    },
}

fn actions() -> impl Strategy<Value = Vec<(Action, u32)>> {
    let action = prop_oneof![
        4 => (0..Memory::OWNERS, any::<bool>()).prop_map(|(owner, is_dirty)| Action::Arrive { owner, is_dirty }),
        1 => Just(Action::Leave),
        4 => any::<bool>().prop_map(|is_write| Action::Access { is_write }),
        1 => any::<bool>().prop_map(Action::Pin),
        2 => (1u8..20).prop_map(Action::Faults),
        4 => (0..4).prop_map(|dice| Action::Choose { is_borrowed: dice > 0 }),
    ];
    proptest::collection::vec((action, any::<u32>()), 0..200)
}

/// Does what the script says, checks each choice, and returns all of them.
fn run(
    (name, seed): (&str, u64),
    (count, behaviour): (u32, Behaviour),
    script: &[(Action, u32)],
) -> Result<Vec<Option<Frame>>, TestCaseError> {
    let mut memory = Memory::new(count, behaviour);
    let mut policy = by_name(name, seed, frames(count)).unwrap();
    let mut choices = Vec::new();
    for &(action, choice) in script {
        let index = choice % count;
        match (action, memory.pages[index as usize]) {
            (Action::Arrive { owner, is_dirty }, None) => memory.arrive(&mut *policy, index, owner, is_dirty),
            (Action::Leave, Some(_)) => memory.leave(&mut *policy, index),
            (Action::Access { is_write }, Some(_)) => {
                memory.access(index);
                memory.page_mut(index).is_dirty |= is_write;
            }
            (Action::Pin(is_pinned), Some(_)) => memory.page_mut(index).is_pinned = is_pinned,
            (Action::Faults(faults), _) => memory.now += u64::from(faults),
            (Action::Choose { is_borrowed }, _) => {
                let victim = checked_choice(&mut *policy, &mut memory)?;
                choices.push(victim);
                if let Some(victim) = victim.filter(|_| is_borrowed) {
                    memory.leave(&mut *policy, victim.number() - frame(0).number());
                }
            }
            _ => {}
        }
    }
    // However it stands, every page that may be borrowed can be had, and then no more.
    for left in (0..=borrowable(&memory)).rev() {
        prop_assert_eq!(borrowable(&memory), left);
        let victim = checked_choice(&mut *policy, &mut memory)?;
        choices.push(victim);
        victim.into_iter().for_each(|victim| memory.leave(&mut *policy, victim.number() - frame(0).number()));
    }
    Ok(choices)
}

fn checked_choice(policy: &mut dyn Replacement, memory: &mut Memory) -> Result<Option<Frame>, TestCaseError> {
    memory.looks.set(0);
    let victim = policy.choose(memory);
    match victim {
        Some(victim) => prop_assert!(memory.may_borrow(victim), "{victim:?} may not be borrowed"),
        // Every page of the fake memory was announced: a policy that has forgotten one finds none in the end.
        None => prop_assert_eq!(borrowable(memory), 0, "no victim"),
    }
    // Thirteen questions for each resident page, and the newcomer. What a choice costs does not depend on pages that have left.
    let resident = u32::try_from(memory.pages.iter().flatten().count()).unwrap();
    let (looks, most) = (memory.looks.get(), 13 * resident + 2);
    prop_assert!(looks <= most, "{looks} questions about {resident} pages instead of {most} at most");
    Ok(victim)
}

fn borrowable(memory: &Memory) -> usize {
    memory.pages.iter().flatten().filter(|page| !page.is_pinned).count()
}

proptest! {
    #[test]
    fn a_choice_is_legal_bounded_and_follows_from_the_seed(
        name in select(NAMES),
        seed in any::<u64>(),
        count in 1u32..30,
        behaviour in select(&[Behaviour::Scripted, Behaviour::Asleep, Behaviour::Busy]),
        script in actions(),
    ) {
        let first = run((name, seed), (count, behaviour), &script)?;
        prop_assert_eq!(first, run((name, seed), (count, behaviour), &script)?);
    }
}

#[test]
fn each_name_leads_to_the_policy_of_that_name() {
    for &name in NAMES {
        assert_eq!(by_name(name, 1, frames(4)).unwrap().name(), name);
    }
    assert_eq!(by_name("lru", 1, frames(4)).err(), Some(NoPolicy::Unknown));
}

#[test]
fn when_nobody_has_a_resident_page_the_search_ends() {
    for (&name, count) in NAMES.iter().flat_map(|name| [(name, 0), (name, 50)]) {
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || {
            let mut policy = by_name(name, 1, frames(count)).unwrap();
            let mut memory = Memory::new(count, Behaviour::Asleep);
            assert_eq!(policy.choose(&mut memory), None, "{name} over {count} frames");
            memory.owners = Owners::new().unwrap();
            assert_eq!(policy.choose(&mut memory), None, "{name} with no owners");
            sender.send(()).unwrap();
        });
        assert_eq!(ended.recv_timeout(PATIENCE), Ok(()), "{name} over {count} frames");
    }
}

/// Far more than any search takes.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_page_that_is_announced_twice_is_kept_once() {
    for &name in NAMES {
        let mut policy = by_name(name, 1, frames(3)).unwrap();
        let mut memory = Memory::new(3, Behaviour::Scripted);
        memory.arrive(&mut *policy, 1, 0, false);
        policy.page_arrived(SpaceId::new(0), frame(1));
        assert_eq!(memory.evict(&mut *policy), Some(1), "{name}");
        assert_eq!(memory.evict(&mut *policy), None, "{name}");
    }
}

#[test]
#[should_panic(expected = "keeps no books of")]
fn a_frame_of_another_pool_is_noticed() {
    let mut policy = by_name("clock", 1, frames(3)).unwrap();
    policy.page_arrived(SpaceId::new(0), frame(3));
}
