//! Port access by the names of the crate `x86_64`, over the crate `x86`.
//!
//! `pic8259` reaches its ports through `x86_64::instructions::port::Port`, which that crate has on 64-bit machines only. This one
//! has it on the i386 too, and nothing else.
#![no_std]

/// Instructions.
pub mod instructions {
    /// Port input and output.
    pub mod port {
        use core::marker::PhantomData;

        use x86::io::{inb, outb};

        /// An I/O port.
        pub struct Port<T> {
            number: u16,
            width: PhantomData<T>,
        }

        impl<T> Port<T> {
            /// The port with this number.
            pub const fn new(number: u16) -> Self {
                Self { number, width: PhantomData }
            }
        }

        impl Port<u8> {
            /// Reads a byte.
            ///
            /// # Safety
            /// Reading must have no effect that breaks memory safety; ring 0 only.
            pub unsafe fn read(&mut self) -> u8 {
                // SAFETY: the caller's promise.
                unsafe { inb(self.number) }
            }

            /// Writes a byte.
            ///
            /// # Safety
            /// Writing must have no effect that breaks memory safety; ring 0 only.
            pub unsafe fn write(&mut self, value: u8) {
                // SAFETY: the caller's promise.
                unsafe { outb(self.number, value) }
            }
        }
    }
}
