//! The ledger of promises: what was granted is always delivered, so a grant is checked against everything granted before.

/// What a grant costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Pages that need a frame or a slot, whichever there is.
    pub pages: u32,
    /// Directories and page tables: they need a frame, since they are never borrowed.
    pub tables: u32,
}

impl Cost {
    /// Pages and tables together.
    pub const fn total(self) -> u32 {
        self.pages.saturating_add(self.tables)
    }
}

/// The machine cannot keep one more promise of this size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// Everything granted so far, against what there is.
#[derive(Clone, Copy, Debug)]
pub struct Ledger {
    frames: u32,
    slots: u32,
    granted: Cost,
}

/// Frames that are never promised: one instruction can need six pages at once (two for itself, two for each operand), and a
/// page on its way to the disk keeps its frame meanwhile.
pub const RESERVE_FRAMES: u32 = 8;

/// A directory and the tables of code, heap and stack: what each small program needs in frames.
const TABLES_OF_A_PROGRAM: u32 = 4;

const _: () = assert!(abi::image::FRAMES_MIN == RESERVE_FRAMES + 3 * TABLES_OF_A_PROGRAM);

impl Ledger {
    /// A ledger for a machine with this many process frames and swap slots.
    pub const fn new(frames: u32, slots: u32) -> Self {
        Self { frames: frames.saturating_sub(RESERVE_FRAMES), slots, granted: Cost { pages: 0, tables: 0 } }
    }

    /// Grants `cost`.
    ///
    /// # Errors
    /// `Refused` if it could not be kept together with all that was granted before; then nothing has changed.
    pub fn grant(&mut self, cost: Cost) -> Result<(), Refused> {
        let tables = self.granted.tables.checked_add(cost.tables).ok_or(Refused)?;
        let pages = self.granted.pages.checked_add(cost.pages).ok_or(Refused)?;
        let places = self.frames.saturating_add(self.slots);
        if tables > self.frames || pages > places - tables {
            return Err(Refused);
        }
        self.granted = Cost { pages, tables };
        Ok(())
    }

    /// Takes back what was granted.
    pub fn give_back(&mut self, cost: Cost) {
        self.granted.pages -= cost.pages;
        self.granted.tables -= cost.tables;
    }

    /// One slot less: the disk cannot write it.
    pub fn lose_slot(&mut self) {
        self.slots = self.slots.saturating_sub(1);
    }

    /// Pages promised, tables included.
    pub const fn promised(&self) -> u32 {
        self.granted.pages + self.granted.tables
    }

    /// Pages that can be promised in all.
    pub const fn promisable(&self) -> u32 {
        self.frames.saturating_add(self.slots)
    }
}

#[cfg(test)]
mod tests {
    use super::{Cost, Ledger, RESERVE_FRAMES, Refused};

    const fn cost(pages: u32, tables: u32) -> Cost {
        Cost { pages, tables }
    }

    #[test]
    fn pages_may_use_frames_and_slots_but_tables_only_frames() {
        let mut ledger = Ledger::new(RESERVE_FRAMES + 10, 100);
        assert_eq!(ledger.grant(cost(0, 11)), Err(Refused));
        assert_eq!(ledger.grant(cost(100, 10)), Ok(()));
        assert_eq!(ledger.grant(cost(1, 0)), Err(Refused));
        assert_eq!(ledger.grant(cost(0, 1)), Err(Refused));
        ledger.give_back(cost(1, 0));
        assert_eq!(ledger.grant(cost(1, 0)), Ok(()));
        assert_eq!((ledger.promised(), ledger.promisable()), (110, 110));
    }

    #[test]
    fn a_refusal_changes_nothing_and_huge_demands_do_not_wrap() {
        let mut ledger = Ledger::new(100, 100);
        ledger.grant(cost(5, 5)).unwrap();
        for demand in [cost(u32::MAX, 0), cost(0, u32::MAX), cost(u32::MAX, u32::MAX)] {
            assert_eq!(ledger.grant(demand), Err(Refused));
            assert_eq!(ledger.promised(), 10);
        }
    }

    #[test]
    fn a_machine_smaller_than_the_reserve_promises_only_slots() {
        let mut ledger = Ledger::new(3, 7);
        assert_eq!(ledger.promisable(), 7);
        assert_eq!(ledger.grant(cost(0, 1)), Err(Refused));
    }
}
