//! A process's class, and how near it is to the next lower one.

use abi::Class;

/// So many time slices in a row may be used to the end; one more demotes.
pub const SLICES_ALLOWED: u8 = 5;

/// What the scheduler remembers of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    class: Class,
    /// Time slices in a row that were used to the end.
    slices_used: u8,
}

impl Standing {
    /// New in its class.
    pub const fn new(class: Class) -> Self {
        Self { class, slices_used: 0 }
    }

    /// The class.
    #[inline]
    pub const fn class(self) -> Class {
        self.class
    }

    /// It gave up the CPU before the end of its time slice.
    #[inline]
    pub const fn gave_way(&mut self) {
        self.slices_used = 0;
    }

    /// It used a time slice to its end.
    #[inline]
    pub const fn used_slice(&mut self) {
        self.slices_used += 1;
        if self.slices_used > SLICES_ALLOWED {
            *self = Self::new(self.class.lower());
        }
    }
}
