//! I/O ports: the registers of PC devices (Intel SDM 1, "Input/Output").

use core::marker::PhantomData;

use x86::io;

/// A value that one port access moves.
pub trait Width: Copy {
    /// Reads the port.
    ///
    /// # Safety
    /// As for [`Port::new`].
    unsafe fn read(port: u16) -> Self;

    /// Writes the port.
    ///
    /// # Safety
    /// As for [`Port::new`].
    unsafe fn write(port: u16, value: Self);
}

macro_rules! widths {
    ($($type:ty: $read:ident $write:ident;)*) => {$(
        impl Width for $type {
            unsafe fn read(port: u16) -> Self {
                // SAFETY: the kernel runs in ring 0, where the instruction is allowed; for the rest the caller answers.
                unsafe { io::$read(port) }
            }

            unsafe fn write(port: u16, value: Self) {
                // SAFETY: as in `read`.
                unsafe { io::$write(port, value) }
            }
        }
    )*};
}

widths! {
    u8: inb outb;
    u16: inw outw;
    u32: inl outl;
}

/// A device register behind an I/O port.
pub struct Port<T> {
    number: u16,
    width: PhantomData<fn(T) -> T>,
}

impl<T: Width> Port<T> {
    /// The register at this port.
    ///
    /// # Safety
    /// The caller drives the device at this port, alone, and answers for what the device does when it is told to: a device
    /// that masters the bus is told to write only to memory that is set aside for it.
    pub const unsafe fn new(number: u16) -> Self {
        Self { number, width: PhantomData }
    }

    /// Reads the register.
    pub fn read(&self) -> T {
        // SAFETY: whoever made the port promised to answer for what comes of using it.
        unsafe { T::read(self.number) }
    }

    /// Writes the register.
    pub fn write(&self, value: T) {
        // SAFETY: whoever made the port promised to answer for what comes of using it.
        unsafe { T::write(self.number, value) }
    }
}
