//! Bringing a file's changes onto the disk, while its pages stay in memory.

use super::{PageOut, PageTables, Pager};
use crate::frame_table::{CachedPage, FileTransfer, FrameUse};
use crate::vm_pool::FileRef;

/// What is left to do until a file's changes are on the disk.
#[derive(Debug)]
#[must_use = "a ticket in it has to be brought back"]
pub enum WriteBack {
    /// Begin to write these, then ask again.
    Write(PageOut),
    /// A changed page is being written, perhaps since before it was changed: wait until all writes have ended that are under way now, then
    /// ask again.
    Wait,
    /// Ask again: this was much work already, and others may have waited for the CPU meanwhile.
    GoOn,
    /// Nothing is left to begin. What was begun has to end.
    Done,
}

/// How far writing back has come: it goes over the frames once. Who changes pages all the time cannot keep it from ending.
#[derive(Debug, Default)]
pub struct WriteBackPass {
    next: u32,
    /// The writes have ended that were under way when `next` was looked at first.
    has_waited: bool,
}

/// How much is looked at before interrupts are let in: a frame, or an entry that maps a frame.
const LOOKS_AT_ONCE: u32 = 4096;

impl Pager<'_> {
    /// What to do next until all changes of `file`, or of all files, that were made before the pass began are on the disk.
    pub fn write_back(
        &mut self,
        tables: &mut impl PageTables,
        file: Option<FileRef>,
        pass: &mut WriteBackPass,
    ) -> WriteBack {
        let mut looks = 0;
        while pass.next < self.frames.frame_count() {
            if looks >= LOOKS_AT_ONCE {
                return WriteBack::GoOn;
            }
            let frame = self.frames.frame_at(pass.next);
            let cached = self.cached(frame).filter(|cached| file.is_none_or(|file| file == cached.page.file));
            looks += 1 + cached.map_or(0, |cached| u32::from(cached.mappings));
            match cached {
                Some(cached) if self.is_changed(tables, frame, cached) => {
                    let is_under_way = !cached.transfer.is_idle();
                    if is_under_way && !pass.has_waited {
                        pass.has_waited = true;
                        return WriteBack::Wait;
                    }
                    *pass = WriteBackPass { next: pass.next + 1, has_waited: false };
                    if is_under_way {
                        // It was begun after the pass was: what was changed before gets onto the disk with it.
                        continue;
                    }
                    return WriteBack::Write(self.write_file_run(tables, cached.page, FileTransfer::Writing));
                }
                _ => *pass = WriteBackPass { next: pass.next + 1, has_waited: false },
            }
        }
        WriteBack::Done
    }

    /// Some changed page of `file`, or of any file, is in memory still because the disk could not write it when it last tried.
    pub fn has_unwritable(&self, file: Option<FileRef>) -> bool {
        let is_one = |frame_use| match frame_use {
            FrameUse::Cached(CachedPage { transfer: FileTransfer::Failed, page, .. }) => {
                file.is_none_or(|file| file == page.file)
            }
            _ => false,
        };
        self.frames.unwritable() > 0 && self.frames.iter().any(|(_, frame_use)| is_one(frame_use))
    }
}
