//! Handles: the small numbers by which a program names what it has open.

use abi::Errno;
use abi::device::NO_HANDLE;
use alloc::vec::Vec;

/// The most handles that a program can have.
pub const HANDLES_MAX: usize = 64;

/// What is to become a program's handles 0, 1 and 2, by its parent's handles; nothing where that is [`NO_HANDLE`].
pub type Streams = [u32; 3];

/// What a program has open, by handle. Those that it begins with are 0, 1 and 2.
pub struct Handles<T>(Vec<Option<T>>);

impl<T> Default for Handles<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Handles<T> {
    /// Handles 0, 1 and 2.
    ///
    /// # Errors
    /// `OutOfMemory`; the things are dropped.
    pub fn of_streams(streams: [Option<T>; 3]) -> Result<Self, Errno> {
        let mut handles = Vec::new();
        handles.try_reserve(streams.len()).map_err(|_| Errno::OutOfMemory)?;
        handles.extend(streams);
        Ok(Self(handles))
    }

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
        Ok(handle)
    }

    /// What has this handle.
    pub fn get(&self, handle: u32) -> Option<&T> {
        self.0.get(handle as usize)?.as_ref()
    }

    /// What a child gets of this program's: each through `share`, which may refuse.
    ///
    /// # Errors
    /// `BadHandle` if one is not open, `OutOfMemory` if `share` refuses.
    pub fn inherit(&self, streams: Streams, share: impl Fn(&T) -> Option<T>) -> Result<[Option<T>; 3], Errno> {
        let mut inherited = [None, None, None];
        for (place, handle) in inherited.iter_mut().zip(streams) {
            if handle != NO_HANDLE {
                let thing = self.get(handle).ok_or(Errno::BadHandle)?;
                *place = Some(share(thing).ok_or(Errno::OutOfMemory)?);
            }
        }
        Ok(inherited)
    }

    /// What a child gets if nobody says what: this program's own streams, as far as they are open.
    pub fn own_streams(&self) -> Streams {
        [0, 1, 2].map(|handle| if self.get(handle).is_some() { handle } else { NO_HANDLE })
    }

    /// Takes it out: the handle is free.
    pub fn close(&mut self, handle: u32) -> Option<T> {
        self.0.get_mut(handle as usize)?.take()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use abi::Errno;
    use abi::device::NO_HANDLE;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{HANDLES_MAX, Handles};

    #[test]
    fn a_program_begins_with_its_streams_and_wild_handles_are_none() {
        let mut handles = Handles::of_streams([Some('i'), None, Some('e')]).unwrap();
        assert_eq!([0, 1, 2].map(|handle| handles.get(handle).copied()), [Some('i'), None, Some('e')]);
        assert_eq!([3, 64, u32::MAX].map(|handle| handles.close(handle)), [None; 3]);
        assert_eq!((handles.open('a'), handles.open('b')), (Ok(1), Ok(3)));
    }

    #[test]
    fn a_child_gets_what_its_parent_says() {
        let mut handles = Handles::of_streams([Some('i'), Some('o'), None]).unwrap();
        handles.open('e').unwrap();
        let file = handles.open('f').unwrap();
        assert_eq!(handles.own_streams(), [0, 1, 2]);
        let share = |thing: &char| Some(thing.to_ascii_uppercase());
        assert_eq!(handles.inherit([0, file, NO_HANDLE], share), Ok([Some('I'), Some('F'), None]));
        assert_eq!(handles.inherit([0, 1, 9], share), Err(Errno::BadHandle));
        assert_eq!(handles.inherit([0, 1, 2], |_| None), Err(Errno::OutOfMemory));
        handles.close(0);
        assert_eq!(handles.own_streams(), [NO_HANDLE, 1, 2]);
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
                            let lowest = (0..).find(|handle| !model.contains_key(handle));
                            prop_assert_eq!(Some(given), lowest);
                            prop_assert!(model.insert(given, number).is_none());
                        }
                        Err(_) => prop_assert_eq!(model.len(), HANDLES_MAX),
                    }
                } else {
                    prop_assert_eq!(handles.close(handle), model.remove(&handle));
                }
                prop_assert_eq!(handles.get(handle), model.get(&handle));
            }
        }
    }
}
