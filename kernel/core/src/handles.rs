//! Handles: the small numbers by which a program names what it has open.

use alloc::vec::Vec;

/// The lowest handle that is given out; those below stand for the console.
pub const FIRST_HANDLE: u32 = 3;

/// The most handles that a program can have.
pub const HANDLES_MAX: usize = 64;

/// What a program has open, by handle.
pub struct Handles<T>(Vec<Option<T>>);

impl<T> Default for Handles<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Handles<T> {
    /// Gives `thing` the lowest free handle.
    ///
    /// # Errors
    /// The thing, if there are too many or the kernel has no memory for one more.
    pub fn open(&mut self, thing: T) -> Result<u32, T> {
        let place = self.0.iter().position(Option::is_none).unwrap_or(self.0.len());
        let Some(handle) = u32::try_from(place).ok().filter(|_| place < HANDLES_MAX) else { return Err(thing) };
        if place == self.0.len() {
            if self.0.try_reserve(1).is_err() {
                return Err(thing);
            }
            self.0.push(None);
        }
        self.0[place] = Some(thing);
        Ok(handle + FIRST_HANDLE)
    }

    /// What has this handle.
    pub fn get_mut(&mut self, handle: u32) -> Option<&mut T> {
        self.place(handle)?.as_mut()
    }

    /// Takes it out: the handle is free.
    pub fn close(&mut self, handle: u32) -> Option<T> {
        self.place(handle)?.take()
    }

    fn place(&mut self, handle: u32) -> Option<&mut Option<T>> {
        self.0.get_mut(handle.checked_sub(FIRST_HANDLE)? as usize)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{FIRST_HANDLE, HANDLES_MAX, Handles};

    #[test]
    fn the_console_is_nobodys_handle_and_wild_ones_are_none() {
        let mut handles = Handles::default();
        assert_eq!(handles.open('a'), Ok(FIRST_HANDLE));
        assert_eq!([0, 1, 2, 4, u32::MAX].map(|handle| handles.close(handle)), [None; 5]);
    }

    proptest! {
        #[test]
        fn a_handle_names_one_thing_and_the_lowest_free_one_is_next(steps in proptest::collection::vec(any::<(bool, u8)>(), 0..400)) {
            let mut handles = Handles::default();
            let mut model = BTreeMap::new();
            for (opens, number) in steps {
                let handle = u32::from(number % 80);
                if opens {
                    match handles.open(number) {
                        Ok(given) => {
                            let lowest = (FIRST_HANDLE..).find(|handle| !model.contains_key(handle));
                            prop_assert_eq!(Some(given), lowest);
                            prop_assert!(model.insert(given, number).is_none());
                        }
                        Err(_) => prop_assert_eq!(model.len(), HANDLES_MAX),
                    }
                } else {
                    prop_assert_eq!(handles.close(handle), model.remove(&handle));
                }
                prop_assert_eq!(handles.get_mut(handle).copied(), model.get(&handle).copied());
            }
        }
    }
}
