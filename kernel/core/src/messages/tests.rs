//! The mailboxes against a model: vectors of what was sent.

use std::collections::BTreeMap;

use abi::ExitReason;
use abi::message::MESSAGE_MAX_BYTES;
use abi::record::{Account, ExitStatus};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;

use super::{Draft, Mailbox, Message, QUEUE_PLACES, SHORT_MAX_BYTES, SendError, Sender, Sent, UNREAD_MAX_BYTES};
use super::{remove_all, remove_first, send};
use crate::addr::Pid;
use crate::process_table::{ChildChoice, ProcessSlot, ProcessTable};

/// A process's payload.
struct Payload(Mailbox);

impl AsMut<Mailbox> for Payload {
    fn as_mut(&mut self) -> &mut Mailbox {
        &mut self.0
    }
}

#[derive(Clone, Debug)]
enum Action {
    Create,
    End { who: usize },
    Reap,
    Send { from: usize, to: u32, len: usize, times: u32 },
    Look { who: usize },
    GiveUp { who: usize },
    Take { who: usize, times: u32 },
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let len = prop_oneof![4 => 0usize..3, 2 => SHORT_MAX_BYTES - 1..SHORT_MAX_BYTES + 2, 2 => 1020usize..1026];
    let action = prop_oneof![
        2 => any::<bool>().prop_map(|_| Action::Create),
        1 => (0usize..6).prop_map(|who| Action::End { who }),
        1 => any::<bool>().prop_map(|_| Action::Reap),
        8 => (0usize..6, 0u32..9, len, 1u32..40)
            .prop_map(|(from, to, len, times)| Action::Send { from, to, len, times }),
        3 => (0usize..6).prop_map(|who| Action::Look { who }),
        1 => (0usize..6).prop_map(|who| Action::GiveUp { who }),
        3 => (0usize..6, 1u32..50).prop_map(|(who, times)| Action::Take { who, times }),
    ];
    proptest::collection::vec(action, 0..150)
}

/// What a message should be.
#[derive(Debug, PartialEq, Eq)]
struct Expected {
    sender: u32,
    what: u32,
    bytes: Vec<u8>,
}

#[derive(Default)]
struct ModelBox {
    queue: Vec<Expected>,
    is_awaited: bool,
}

struct Machine {
    table: ProcessTable<Payload>,
    init: ProcessSlot,
    /// Those that are alive, by pid.
    alive: BTreeMap<u32, (ProcessSlot, ModelBox)>,
    /// What the next message is about: each is different.
    next_what: u32,
}

/// Sends a draft with these bytes.
fn drafted<R>(bytes: &[u8], send: impl FnOnce(Draft<'_>) -> Result<R, SendError>) -> Result<R, SendError> {
    let mut short = [0xEE; SHORT_MAX_BYTES];
    match short.get_mut(..bytes.len()) {
        Some(place) => {
            place.copy_from_slice(bytes);
            send(Draft::Short { len: bytes.len(), bytes: &short })
        }
        None => Draft::long(bytes).and_then(send),
    }
}

/// The bytes that message `what` carries.
fn bytes_of(what: u32, len: usize) -> Vec<u8> {
    what.to_le_bytes().into_iter().cycle().take(len).collect()
}

impl Machine {
    fn new() -> Self {
        let mut table = ProcessTable::new().unwrap();
        let (init, pid) = table.add(None, Payload(Mailbox::default())).unwrap();
        let alive = BTreeMap::from([(pid.number(), (init, ModelBox::default()))]);
        Self { table, init, alive, next_what: 0 }
    }

    fn nth(&self, number: usize) -> u32 {
        *self.alive.keys().nth(number % self.alive.len()).unwrap()
    }

    fn mailbox(&mut self, pid: u32) -> &mut Mailbox {
        let slot = self.alive[&pid].0;
        self.table.get_mut(slot).unwrap().as_mut()
    }

    /// What the unread messages of `sender` take up, by the model.
    fn unread_of(&self, sender: u32) -> usize {
        let all = self.alive.values().flat_map(|(_, mailbox)| &mailbox.queue);
        all.filter(|message| message.sender == sender).map(|message| charge(message.bytes.len())).sum()
    }

    fn step(&mut self, action: &Action) -> Result<(), TestCaseError> {
        match *action {
            Action::Create => {
                let (slot, pid) = self.table.add(Some(Pid::INIT), Payload(Mailbox::default())).unwrap();
                self.alive.insert(pid.number(), (slot, ModelBox::default()));
            }
            Action::End { who } => self.end(self.nth(who)),
            Action::Reap => {
                let _ = self.table.wait(self.init, ChildChoice::Any);
            }
            Action::Send { from, to, len, times } => {
                for _ in 0..times {
                    self.send(self.nth(from), to, len)?;
                }
            }
            Action::Look { who } => {
                let pid = self.nth(who);
                let found = self.mailbox(pid).first_or_await().map(|message| message.header().what);
                let model = &mut self.alive.get_mut(&pid).unwrap().1;
                model.is_awaited = model.queue.is_empty();
                prop_assert_eq!(found, model.queue.first().map(|first| first.what));
            }
            Action::GiveUp { who } => {
                let pid = self.nth(who);
                self.mailbox(pid).stop_waiting();
                self.alive.get_mut(&pid).unwrap().1.is_awaited = false;
            }
            Action::Take { who, times } => {
                for _ in 0..times {
                    self.take(self.nth(who))?;
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, pid: u32) {
        if pid == Pid::INIT.number() {
            return;
        }
        let (slot, _) = self.alive.remove(&pid).unwrap();
        remove_all(&mut self.table, slot);
        let status = ExitStatus { pid, reason: ExitReason::Exited(0), account: Account::default() };
        self.table.end(slot, status).unwrap();
    }

    fn send(&mut self, from: u32, to: u32, len: usize) -> Result<(), TestCaseError> {
        let what = self.next_what;
        self.next_what += 1;
        let bytes = bytes_of(what, len);
        let expected = self.expected(from, to, len);
        let sender = Sender { pid: Pid::new(from), slot: self.alive[&from].0 };
        let sent = drafted(&bytes, |draft| send(&mut self.table, sender, Pid::new(to), what, draft));
        prop_assert_eq!(sent, expected);
        if sent.is_ok() {
            let model = &mut self.alive.get_mut(&to).unwrap().1;
            model.is_awaited = false;
            model.queue.push(Expected { sender: from, what, bytes });
        }
        Ok(())
    }

    fn expected(&self, from: u32, to: u32, len: usize) -> Result<Sent, SendError> {
        if len > MESSAGE_MAX_BYTES as usize {
            return Err(SendError::TooLong);
        }
        let (slot, model) = self.alive.get(&to).ok_or(SendError::NoReceiver)?;
        if model.queue.len() == QUEUE_PLACES {
            return Err(SendError::QueueFull);
        }
        if len > SHORT_MAX_BYTES && self.unread_of(from) + len > UNREAD_MAX_BYTES {
            return Err(SendError::TooManyUnread);
        }
        Ok(if model.is_awaited { Sent::Awaited(*slot) } else { Sent::Queued })
    }

    fn take(&mut self, pid: u32) -> Result<(), TestCaseError> {
        let found = self.mailbox(pid).first().map(seen);
        let (slot, model) = self.alive.get_mut(&pid).unwrap();
        let expected = (!model.queue.is_empty()).then(|| model.queue.remove(0));
        prop_assert_eq!(found, expected);
        remove_first(&mut self.table, *slot);
        Ok(())
    }

    /// The books agree with the model.
    fn check(&mut self) -> Result<(), TestCaseError> {
        for pid in self.alive.keys().copied().collect::<Vec<_>>() {
            let unread = self.unread_of(pid);
            let mailbox = self.mailbox(pid);
            prop_assert_eq!(mailbox.unread_bytes, unread);
            let found: Vec<Expected> = mailbox.first.iter().chain(&mailbox.others).map(seen).collect();
            prop_assert!(found.len() <= QUEUE_PLACES);
            prop_assert_eq!(&found, &self.alive[&pid].1.queue);
        }
        Ok(())
    }
}

fn seen(message: &Message) -> Expected {
    let header = message.header();
    Expected { sender: header.pid, what: header.what, bytes: message.body().bytes().to_vec() }
}

fn charge(len: usize) -> usize {
    if len > SHORT_MAX_BYTES { len } else { 0 }
}

proptest! {
    #[test]
    fn messages_arrive_in_order_and_whole_and_never_wake_whoever_does_not_wait(steps in actions()) {
        let mut machine = Machine::new();
        for action in &steps {
            machine.step(action)?;
            machine.check()?;
        }
    }
}

#[test]
fn both_bounds_are_reached() {
    let mut machine = Machine::new();
    for _ in 0..2 {
        machine.step(&Action::Create).unwrap();
    }
    let send = |machine: &mut Machine, len: usize| {
        let (from, to) = (Sender { pid: Pid::new(2), slot: machine.alive[&2].0 }, Pid::new(3));
        drafted(&vec![7; len], |draft| send(&mut machine.table, from, to, 0, draft))
    };
    let long = (0..).take_while(|_| send(&mut machine, MESSAGE_MAX_BYTES as usize).is_ok()).count();
    assert_eq!(long, UNREAD_MAX_BYTES / MESSAGE_MAX_BYTES as usize);
    assert_eq!(send(&mut machine, MESSAGE_MAX_BYTES as usize), Err(SendError::TooManyUnread));
    let receiver = machine.alive[&3].0;
    (0..long).for_each(|_| remove_first(&mut machine.table, receiver));
    let short = (0..).take_while(|_| send(&mut machine, 0).is_ok()).count();
    assert_eq!(short, QUEUE_PLACES);
    assert_eq!(send(&mut machine, 0), Err(SendError::QueueFull));
    remove_first(&mut machine.table, receiver);
    assert_eq!(send(&mut machine, 0), Ok(Sent::Queued));
}

#[test]
fn only_the_first_message_finds_the_receiver_waiting() {
    let mut machine = Machine::new();
    machine.step(&Action::Create).unwrap();
    let (init, child) = (Sender { pid: Pid::INIT, slot: machine.init }, machine.alive[&2].0);
    assert!(machine.mailbox(2).first_or_await().is_none());
    let mut send = || drafted(&[], |draft| send(&mut machine.table, init, Pid::new(2), 0, draft));
    assert_eq!(send(), Ok(Sent::Awaited(child)));
    assert_eq!(send(), Ok(Sent::Queued), "it is on its way already");
}
