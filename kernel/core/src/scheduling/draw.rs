//! The draw between the classes.

use core::num::NonZeroU32;

use abi::Class;

use crate::rng::Rng;

/// How many classes there are.
pub const CLASS_COUNT: usize = Class::ALL.len();

/// Draws a class in which somebody is runnable (`are_waiting`, by [`Class::number`]): 6:3:1, and so 3:1 between interactive and
/// background where nobody is real-time. A class with nobody runnable holds no ticket, so that its share goes to the others as
/// they stand to each other, and every class that holds one is drawn sooner or later. `None` if nobody is runnable.
#[inline]
pub fn draw(are_waiting: [bool; CLASS_COUNT], rng: &mut Rng) -> Option<Class> {
    let holders = || Class::ALL.iter().copied().filter(|&class| are_waiting[class as usize]);
    let first = holders().next()?;
    let tickets: u32 = holders().map(Class::weight).sum();
    if tickets == first.weight() {
        return Some(first);
    }
    let mut ticket = rng.below(NonZeroU32::new(tickets)?);
    holders().find(|class| {
        let is_drawn = ticket < class.weight();
        ticket = ticket.saturating_sub(class.weight());
        is_drawn
    })
}
