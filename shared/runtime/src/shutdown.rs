//! The end of a program: what asks for it, and what happens to the tasks that run.

use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::time::Duration;

use thiserror::Error as ThisError;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// Cancelled by SIGTERM or SIGINT. A second signal ends the process at once, as it would without us.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = stop.clone();
    tokio::spawn(async move {
        for attempt in 1.. {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if attempt > 1 {
                tracing::warn!(signal = name, "asked again: ending at once");
                std::process::exit(130);
            }
            tracing::info!(signal = name, "asked to stop: finishing what is in hand");
            token.cancel();
        }
    });
    Ok(stop)
}

type Cause = Box<dyn Error + Send + Sync>;

/// Why a program ends other than by being asked.
#[derive(Debug, ThisError)]
pub enum TaskFailed {
    #[error("{task} failed")]
    Failed { task: &'static str, source: Cause },
    #[error("{task} panicked")]
    Panicked { task: &'static str, source: JoinError },
    #[error("{task} ended, though nobody asked it to")]
    Ended { task: &'static str },
    #[error("not finished within {drain:?} of being asked to stop: {tasks}")]
    TooSlow { tasks: String, drain: Duration },
}

/// The long-running parts of a program. They live and end together: the first one that fails stops the rest.
#[derive(Debug)]
pub struct Tasks {
    stop: CancellationToken,
    running: JoinSet<Result<(), Cause>>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    pub fn new(stop: CancellationToken) -> Self {
        Self { stop, running: JoinSet::new(), names: HashMap::new() }
    }

    /// Starts a task that runs until `stop`.
    pub fn spawn<E: Into<Cause>>(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let handle = self.running.spawn(async move { task.await.map_err(Into::into) });
        self.names.insert(handle.id(), name);
    }

    /// Waits until all tasks have ended. After `stop`, those that take longer than `drain` are aborted. The first
    /// failure is the answer.
    pub async fn finish(mut self, drain: Duration) -> Result<(), TaskFailed> {
        let mut failure = None;
        let mut deadline = None;
        while !self.running.is_empty() {
            let ended = match deadline {
                None => tokio::select! {
                    biased;
                    () = self.stop.cancelled() => {
                        deadline = Some(Instant::now() + drain);
                        continue;
                    }
                    ended = self.running.join_next_with_id() => ended,
                },
                Some(deadline) => match timeout_at(deadline, self.running.join_next_with_id()).await {
                    Ok(ended) => ended,
                    Err(_elapsed) => return Err(failure.unwrap_or_else(|| self.too_slow(drain))),
                },
            };
            if let Some(failed) = ended.and_then(|ended| self.judge(ended)) {
                // The whole error is told by who settles it.
                tracing::warn!(reason = %failed, "stopping the rest");
                failure.get_or_insert(failed);
                self.stop.cancel();
            }
        }
        failure.map_or(Ok(()), Err)
    }

    fn judge(&mut self, ended: Result<(Id, Result<(), Cause>), JoinError>) -> Option<TaskFailed> {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let task = self.names.remove(&id).unwrap_or("a task");
        match ended {
            Ok((_, Ok(()))) => (!self.stop.is_cancelled()).then_some(TaskFailed::Ended { task }),
            Ok((_, Err(source))) => Some(TaskFailed::Failed { task, source }),
            Err(source) => Some(TaskFailed::Panicked { task, source }),
        }
    }

    fn too_slow(&self, drain: Duration) -> TaskFailed {
        let mut tasks: Vec<_> = self.names.values().copied().collect();
        tasks.sort_unstable();
        TaskFailed::TooSlow { tasks: tasks.join(", "), drain }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    const DRAIN: Duration = Duration::from_millis(50);

    async fn until(stop: CancellationToken) -> Result<(), io::Error> {
        stop.cancelled().await;
        Ok(())
    }

    #[tokio::test]
    async fn the_first_failure_stops_the_rest_and_is_the_answer() {
        let stop = CancellationToken::new();
        let mut tasks = Tasks::new(stop.clone());
        tasks.spawn("waiter", until(stop.clone()));
        tasks.spawn("breaker", async { Err::<(), _>(io::Error::other("broken")) });
        let failure = tasks.finish(DRAIN).await.unwrap_err();
        assert_eq!(crate::telemetry::chain(&failure), "breaker failed: broken");
        assert!(stop.is_cancelled());
    }

    #[tokio::test]
    async fn a_task_that_ends_unasked_stops_the_rest() {
        let stop = CancellationToken::new();
        let mut tasks = Tasks::new(stop.clone());
        tasks.spawn("waiter", until(stop.clone()));
        tasks.spawn("leaver", async { Ok::<_, io::Error>(()) });
        assert!(matches!(tasks.finish(DRAIN).await, Err(TaskFailed::Ended { task: "leaver" })));
    }

    #[tokio::test]
    async fn asked_to_stop_all_end_and_that_is_no_failure() {
        let stop = CancellationToken::new();
        let mut tasks = Tasks::new(stop.clone());
        tasks.spawn("one", until(stop.clone()));
        tasks.spawn("two", until(stop.clone()));
        stop.cancel();
        tasks.finish(DRAIN).await.unwrap();
    }

    #[tokio::test]
    async fn a_task_that_does_not_end_is_named() {
        let stop = CancellationToken::new();
        let mut tasks = Tasks::new(stop.clone());
        tasks.spawn("sleeper", std::future::pending::<Result<(), io::Error>>());
        stop.cancel();
        let failure = tasks.finish(DRAIN).await.unwrap_err();
        assert!(failure.to_string().contains("sleeper"), "{failure}");
    }
}
