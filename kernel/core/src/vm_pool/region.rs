//! One promise: a run of pages, what may be done with them, and where their first contents come from.

use abi::Access;

use crate::addr::{PAGE_SIZE, Page};

bitflags::bitflags! {
    /// What a program may do with the pages of a region.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Rights: u8 {
        /// Read data.
        const READ = 1 << 0;
        /// Write data.
        const WRITE = 1 << 1;
        /// Fetch instructions. Without execute-disable in 32-bit paging the CPU cannot refuse it where reading is allowed.
        const EXECUTE = 1 << 2;
    }
}

impl Rights {
    /// The rights allow this access.
    #[inline]
    pub const fn allow(self, access: Access) -> bool {
        match access {
            Access::Read => self.contains(Self::READ),
            Access::Write => self.contains(Self::WRITE),
            // i386 paging has no execute-disable bit: what can be read can be executed.
            Access::Execute => self.intersects(Self::EXECUTE.union(Self::READ)),
        }
    }
}

/// Names a file that pages are read from; the kernel knows which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileRef(u32);

impl FileRef {
    /// The file with this key.
    pub const fn new(key: u32) -> Self {
        Self(key)
    }

    /// The key.
    pub const fn raw(self) -> u32 {
        self.0
    }
}

/// A page of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FilePage {
    /// The file.
    pub file: FileRef,
    /// Which page of it.
    pub number: u32,
}

/// Where untouched pages get their contents from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    /// Zeros.
    Zero,
    /// A file.
    File {
        /// Which.
        file: FileRef,
        /// The page of the file that the region's first page shows.
        first_page: u32,
        /// How many bytes, counted from the region's start, come from the file; the rest is zeros.
        len_bytes: u32,
        /// It is a mapping: what is written goes to the file, and is seen by all who use it. Else it is a program's segment: if it can be
        /// written to, each page becomes a copy of its own at the first touch; if not, it shows the file.
        shared: bool,
    },
}

/// A run of pages that was promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    first: Page,
    page_count: u32,
    rights: Rights,
    backing: Backing,
}

impl Region {
    /// A region of `page_count` pages.
    pub const fn new(first: Page, page_count: u32, rights: Rights, backing: Backing) -> Self {
        Self { first, page_count, rights, backing }
    }

    /// Splits the region at `page`, which is one of its pages but not the first. Keeps the pages before it, and returns the others.
    pub const fn split_off(&mut self, page: Page) -> Self {
        let kept = page.number() - self.first.number();
        let backing = match self.backing {
            Backing::Zero => Backing::Zero,
            Backing::File { file, first_page, shared, .. } => {
                Backing::File { file, first_page: first_page + kept, len_bytes: self.file_bytes_from(page), shared }
            }
        };
        let end = Self::new(page, self.page_count - kept, self.rights, backing);
        self.page_count = kept;
        end
    }

    /// The first page.
    #[inline]
    pub const fn first(&self) -> Page {
        self.first
    }

    /// How many pages there are.
    #[inline]
    pub const fn page_count(&self) -> u32 {
        self.page_count
    }

    /// The number of the page behind the last one.
    #[inline]
    pub const fn end(&self) -> u32 {
        self.first.number() + self.page_count
    }

    /// What may be done with the pages.
    #[inline]
    pub const fn rights(&self) -> Rights {
        self.rights
    }

    /// Returns the `page_count` pages from `first` on, all of them the region's, as a region.
    pub const fn part(&self, first: Page, page_count: u32) -> Self {
        let skipped = first.number() - self.first.number();
        let backing = match self.backing {
            Backing::Zero => Backing::Zero,
            Backing::File { file, first_page, shared, .. } => {
                Backing::File { file, first_page: first_page + skipped, len_bytes: self.file_bytes_from(first), shared }
            }
        };
        Self { first, page_count, rights: self.rights, backing }
    }

    /// How many bytes come from the region's file, counted from the start of `page`, which is one of the region's. What follows is zeros.
    pub const fn file_bytes_from(&self, page: Page) -> u32 {
        match self.backing {
            Backing::File { len_bytes, .. } => {
                len_bytes.saturating_sub((page.number() - self.first.number()) * PAGE_SIZE)
            }
            Backing::Zero => 0,
        }
    }

    /// The pages with bytes of the region's file: the first one's number, and the one behind the last.
    pub const fn pages_with_file(&self) -> (u32, u32) {
        let first = self.first.number();
        let count = self.file_bytes_from(self.first).div_ceil(PAGE_SIZE);
        (first, first + if count < self.page_count { count } else { self.page_count })
    }

    /// The page of the file that `page`, which is one of the region's, shows or begins as. `None` if it begins as zeros.
    #[inline]
    pub const fn file_page(&self, page: Page) -> Option<FilePage> {
        match self.backing {
            Backing::File { file, first_page, .. } if self.file_bytes_from(page) > 0 => {
                Some(FilePage { file, number: first_page + page.number() - self.first.number() })
            }
            _ => None,
        }
    }

    /// It is a mapped file, and not a segment of a program.
    pub const fn is_mapping(&self) -> bool {
        matches!(self.backing, Backing::File { shared: true, .. })
    }

    /// Its pages are the file's own, in the one frame that everybody uses; else each is a copy.
    #[inline]
    pub const fn shows_file(&self) -> bool {
        match self.backing {
            Backing::File { shared, .. } => shared || !self.rights.contains(Rights::WRITE),
            Backing::Zero => false,
        }
    }

    /// How many pages may one day need a frame or a slot of their own to be kept. What is in a file needs none.
    pub const fn pages_to_keep(&self) -> u32 {
        let (first, end) = self.pages_with_file();
        match self.backing {
            Backing::File { .. } if self.shows_file() => self.page_count - (end - first),
            Backing::File { .. } | Backing::Zero => self.page_count,
        }
    }

    /// Where untouched pages get their contents from.
    #[inline]
    pub const fn backing(&self) -> Backing {
        self.backing
    }
}
