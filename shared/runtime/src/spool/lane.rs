//! The spool as a queue: lanes in the process that owns it, each handed what no other lane holds.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use shared::envelope::DEAD_QUEUE;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::file::{Handed, Standing};
use super::holder::Holder;
use super::writer::Command;
use super::{NotSpooled, Spool};
use crate::queue::{DeathNote, Lane, Message, NotAnEnvelope, Queue, QueueError, Session};

impl Queue for Spool {
    type Session = SpoolSession;

    /// A session is a name for some lanes, and costs nothing.
    async fn connect(&self) -> Result<SpoolSession, QueueError> {
        Ok(SpoolSession { spool: self.clone(), end: CancellationToken::new() })
    }
}

/// Lanes of one spool.
#[derive(Debug)]
pub struct SpoolSession {
    spool: Spool,
    end: CancellationToken,
}

impl Session for SpoolSession {
    type Lane = SpoolLane;

    async fn lane(&self, queue: &str, prefetch: u16) -> Result<SpoolLane, QueueError> {
        Ok(SpoolLane {
            news: self.spool.news.subscribe(),
            spool: self.spool.clone(),
            standing: if queue == DEAD_QUEUE { Standing::GivenUp } else { Standing::Waiting },
            prefetch: usize::from(prefetch),
            holder: Holder::until(&self.end),
            asked: None,
            here: VecDeque::new(),
            unsettled: VecDeque::new(),
            last_tag: 0,
        })
    }

    async fn depth(&self, queue: &str) -> Result<u64, QueueError> {
        let standing = if queue == DEAD_QUEUE { Standing::GivenUp } else { Standing::Waiting };
        self.spool.ask(|done| Command::Depth(standing, done)).await.map_err(QueueError::closed)
    }

    /// Its directory.
    fn address(&self) -> &str {
        &self.spool.directory
    }

    /// What its lanes hold is there for others, who may be waiting.
    async fn close(self) {
        self.end.cancel();
        self.spool.news.send_replace(());
    }
}

/// One consumer of a spool.
pub struct SpoolLane {
    spool: Spool,
    /// Tells when there may be more.
    news: watch::Receiver<()>,
    standing: Standing,
    prefetch: usize,
    /// While it lives, what was handed to this lane is handed to no other.
    holder: Arc<Holder>,
    /// An answer on its way: kept here, so that who stops waiting for it loses nothing.
    asked: Option<oneshot::Receiver<Result<Vec<Handed>, NotSpooled>>>,
    /// Handed to us, and not yet asked for.
    here: VecDeque<Handed>,
    /// Given out and not acknowledged: tag and number.
    unsettled: VecDeque<(u64, i64)>,
    last_tag: u64,
}

impl SpoolLane {
    /// Asks for more, as far as `prefetch` allows, and waits for the answer.
    async fn fetch(&mut self) -> Result<Vec<Handed>, NotSpooled> {
        let answer = match &mut self.asked {
            Some(asked) => asked,
            none => {
                let (done, answer) = oneshot::channel();
                let limit = u32::try_from(self.prefetch - self.unsettled.len()).unwrap_or(u32::MAX);
                let holder = Arc::downgrade(&self.holder);
                // Sent before it is waited for; a wait that is broken off here has asked for nothing.
                let place = self.spool.commands.reserve().await.map_err(|_closed| NotSpooled::Closed)?;
                // Seen when asking, and not when an earlier answer is looked at: what is kept after that is not missed.
                self.news.borrow_and_update();
                place.send(Command::Take { standing: self.standing, limit, holder, done });
                none.insert(answer)
            }
        };
        let handed = answer.await.unwrap_or(Err(NotSpooled::Closed));
        self.asked = None;
        handed
    }

    /// What it holds is others' once the session has ended.
    fn check_session(&self) -> Result<(), QueueError> {
        if self.holder.lives() { Ok(()) } else { Err(QueueError::closed("the session has ended")) }
    }

    fn give_out(&mut self, handed: Handed) -> Message {
        self.last_tag += 1;
        self.unsettled.push_back((self.last_tag, handed.number));
        let dead = DeathNote { reason: "delivery_limit".to_owned(), count: 1 };
        Message {
            tag: self.last_tag,
            dead: (self.standing == Standing::GivenUp).then_some(dead),
            content: handed.envelope.map_err(|unreadable| NotAnEnvelope {
                detail: format!("the spool's entry can't be read: {}", unreadable.error),
                source: None,
                provider: None,
                message_id: None,
                headers: Value::String(unreadable.head),
                body: unreadable.body,
            }),
        }
    }
}

impl Lane for SpoolLane {
    async fn next(&mut self) -> Result<Message, QueueError> {
        loop {
            self.check_session()?;
            if let Some(handed) = self.here.pop_front() {
                return Ok(self.give_out(handed));
            }
            if self.unsettled.len() >= self.prefetch {
                // Until something is acknowledged, which this wait makes impossible, there is no more.
                self.holder.ended().await;
                continue;
            }
            let handed = self.fetch().await.map_err(QueueError::closed)?;
            if handed.is_empty() {
                self.news.changed().await.map_err(QueueError::closed)?;
            }
            self.here.extend(handed);
        }
    }

    fn next_ready(&mut self) -> Option<Result<Message, QueueError>> {
        if let Err(ended) = self.check_session() {
            return Some(Err(ended));
        }
        let handed = self.here.pop_front()?;
        Some(Ok(self.give_out(handed)))
    }

    async fn acknowledge_through(&mut self, tag: u64) -> Result<(), QueueError> {
        self.check_session()?;
        let settled = self.unsettled.iter().take_while(|(given, _)| *given <= tag).count();
        let numbers: Vec<i64> = self.unsettled.iter().take(settled).map(|(_, number)| *number).collect();
        self.spool.delete(numbers).await.map_err(QueueError::closed)?;
        self.unsettled.drain(..settled);
        Ok(())
    }
}

impl Drop for SpoolLane {
    /// What it held is there for others, who may be waiting.
    fn drop(&mut self) {
        self.holder = self.holder.anew();
        self.spool.news.send_replace(());
    }
}

impl fmt::Debug for SpoolLane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpoolLane").field("standing", &self.standing).finish_non_exhaustive()
    }
}
