//! Who works at the same time, a tile each: one reads, some look, and the calling thread follows them in their order.
use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};

use super::batch::{Batch, Frame};
use super::files::Files;
use crate::ledger::layout::Artifact;
use crate::ledger::verify::read::alike::Alike;
use crate::ledger::verify::refusal::Refusal;
use crate::ledger::verify::{AtOnce, Task};

/// How many look: more than there are cores, since who opens files waits for the disk now and then.
const LOOKERS: usize = 3;
/// So many tiles are under way: enough that nobody waits for another's, a few hundred kilobytes each.
const UNDER_WAY: usize = 8;

/// A tile that somebody looks at. Whatever becomes of them, it is handed on, so that nobody waits for it.
struct Turn<'c> {
    n: u64,
    batch: Batch,
    to: &'c Sender<(u64, Batch)>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Nobody is there any more when something was refused.
        drop(self.to.send((self.n, std::mem::take(&mut self.batch))));
    }
}

/// Reads the entries from `first` on, has them looked at, and calls `follow` with each tile, until there is no more or it
/// refuses one.
pub(super) fn work<A: Artifact>(
    mut entries: impl BufRead + Send,
    mut first: u64,
    frame: Frame<'_>,
    files: &Files<'_, A>,
    at_once: &AtOnce<'_>,
    follow: &mut dyn FnMut(&mut Batch) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let (spare, to_read) = channel();
    let (read, to_look) = channel();
    let (looked, to_follow) = channel();
    (0..UNDER_WAY).for_each(|_| drop(spare.send(Batch::default())));
    let to_look = Mutex::new(to_look);
    let mut tasks: Vec<Task<'_>> = Vec::with_capacity(LOOKERS + 1);
    tasks.push(Box::new(move || {
        for (n, mut batch) in (0..).zip(to_read) {
            batch.read((&mut entries, frame.entries), first);
            first = batch.next_seq();
            let is_last = !batch.goes_on();
            if read.send((n, batch)).is_err() || is_last {
                return;
            }
        }
    }));
    for _ in 0..LOOKERS {
        let (mut files, looked, to_look) = (files.clone(), looked.clone(), &to_look);
        tasks.push(Box::new(move || {
            let mut alike = Alike::default();
            let next = || to_look.lock().unwrap_or_else(PoisonError::into_inner).recv();
            while let Ok((n, batch)) = next() {
                let mut turn = Turn { n, batch, to: &looked };
                turn.batch.check(frame, &mut files, &mut alike);
            }
        }));
    }
    drop(looked);
    let (mut ends, mut followed) = (Some((spare, to_follow)), Ok(()));
    at_once(tasks, &mut || {
        // When these are dropped, nobody has anything to wait for.
        let Some((spare, to_follow)) = ends.take() else { return };
        let (mut early, mut next) = (BTreeMap::new(), 0);
        for (n, batch) in to_follow {
            early.insert(n, batch);
            while let Some(mut batch) = early.remove(&next) {
                next += 1;
                followed = follow(&mut batch);
                if followed.is_err() || !batch.goes_on() {
                    return;
                }
                drop(spare.send(batch));
            }
        }
    });
    followed
}
