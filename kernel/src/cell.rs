//! The one kind of global variable that the kernel has.

use core::any::type_name;

use spin::Mutex;

/// A value that one piece of code uses at a time, and that notices when a second one tries.
///
/// There is one CPU, and interrupts stay off while the kernel works, so nobody ever has to wait for the value: finding it in
/// use means that its user called something that came back to it. That is a bug, and waiting for it would be a deadlock.
pub struct KernelCell<T>(Mutex<T>);

impl<T> KernelCell<T> {
    /// Wraps the value.
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Lends the value to `user`, which must not wait.
    ///
    /// # Panics
    /// If it is lent already.
    #[inline]
    pub fn with<R>(&self, user: impl FnOnce(&mut T) -> R) -> R {
        match self.0.try_lock() {
            Some(mut guard) => user(&mut guard),
            None => in_use(type_name::<T>()),
        }
    }
}

#[cold]
fn in_use(name: &str) -> ! {
    panic!("{name} is used while it is being used")
}
