//! PCI configuration space (PCI Local Bus Specification, "Configuration Mechanism #1"), as much of it as is needed to find a
//! controller that sits on the first bus, where a PC has its own.

use super::port::Port;

const ADDRESS: u16 = 0xCF8;
const DATA: u16 = 0xCFC;
const ENABLE: u32 = 1 << 31;

/// What a register that no device has reads as.
const NO_DEVICE: u32 = u32::MAX;

const DEVICES: u32 = 32;
const FUNCTIONS: u32 = 8;
/// Bit of the header type that marks a device with several functions.
const MULTI_FUNCTION: u32 = 1 << 23;

/// A register of configuration space, by its distance in bytes from the start: a multiple of 4.
#[derive(Clone, Copy)]
pub struct Register(u32);

impl Register {
    const IDENTITY: Self = Self(0x00);
    /// Command in the lower half, status in the upper.
    pub const COMMAND: Self = Self(0x04);
    /// Class, subclass and programming interface, from the highest byte; then the revision.
    pub const CLASS: Self = Self(0x08);
    const HEADER_TYPE: Self = Self(0x0C);

    /// Base address register `number`, 0 to 5.
    pub const fn base_address(number: u32) -> Self {
        Self(0x10 + 4 * number)
    }
}

/// A function of a device.
#[derive(Clone, Copy)]
pub struct Function {
    device: u32,
    function: u32,
}

impl Function {
    /// The first function with this class and subclass.
    pub fn find(class: u8, subclass: u8) -> Option<Self> {
        let is_wanted = |function: &Self| {
            let [_, _, its_subclass, its_class] = function.read(Register::CLASS).to_le_bytes();
            (its_class, its_subclass) == (class, subclass)
        };
        (0..DEVICES).flat_map(functions_of).find(is_wanted)
    }

    /// Reads a register.
    pub fn read(self, register: Register) -> u32 {
        self.select(register);
        data().read()
    }

    /// Writes a register.
    pub fn write(self, register: Register, value: u32) {
        self.select(register);
        data().write(value);
    }

    fn select(self, register: Register) {
        // SAFETY: only this module uses the configuration ports; choosing a register has no effect in itself.
        let address: Port<u32> = unsafe { Port::new(ADDRESS) };
        address.write(ENABLE | self.device << 11 | self.function << 8 | register.0);
    }

    fn is_present(self) -> bool {
        self.read(Register::IDENTITY) != NO_DEVICE
    }
}

/// The functions that a device has: none, one, or some of eight.
fn functions_of(device: u32) -> impl Iterator<Item = Function> {
    let first = Function { device, function: 0 };
    let count = match first.is_present() {
        false => 0,
        true if first.read(Register::HEADER_TYPE) & MULTI_FUNCTION == 0 => 1,
        true => FUNCTIONS,
    };
    (0..count).map(move |function| Function { device, function }).filter(|function| function.is_present())
}

const fn data() -> Port<u32> {
    // SAFETY: only this module uses the configuration ports, and a driver sets up only its own device.
    unsafe { Port::new(DATA) }
}
