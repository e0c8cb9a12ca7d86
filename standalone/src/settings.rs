//! The settings: those of ingest and of the worker, but for the broker and the database, which are here.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use ingest::WebhookSettings;
use ingest::settings::{WebhookArgs, read_sources};
use runtime::secret::Env;
use runtime::settings::{Problems, WrongSettings, count, duration};
use runtime::telemetry::{Logging, LoggingArgs};
use worker::settings::{WorkArgs, WorkSettings};
use worker::sources::Sources;

use crate::try_out;

const MAX_COUNT: u64 = i64::MAX as u64;
const ALL_ROLES: &str = "consume,relay,clock,fetch";

/// What `run` needs.
#[derive(Debug, Clone)]
pub struct Settings {
    pub webhooks: WebhookSettings,
    pub work: WorkSettings,
    pub worker_listen: SocketAddr,
    /// Bytes that may wait to be applied.
    pub spool_max_bytes: u64,
    /// Whether the sources are those for trying out.
    pub is_try_out: bool,
}

/// The same as text. No secret has a default.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
pub struct SettingsArgs {
    /// Directory on a durable disk that holds everything: the database and what waits to be applied. Made if missing; one
    /// process at a time
    #[arg(long, env, default_value = "data", global = true)]
    pub data_dir: PathBuf,
    /// The TOML file that lists the sources: who sends webhooks, and how they prove it. Unset: sources for trying out,
    /// which only this machine can reach
    #[arg(long, env, global = true)]
    sources_file: Option<PathBuf>,
    /// How much may wait to be applied, in bytes (default 1 GiB). When it is full, webhooks are answered 503
    #[arg(long, env, default_value = "1073741824", global = true)]
    spool_max_bytes: String,
    /// How long a stop may take
    #[arg(long, env, default_value = "20s", global = true)]
    shutdown_deadline: String,
    #[command(flatten)]
    webhooks: WebhookArgs,
    #[command(flatten)]
    pub work: WorkArgs,
    #[command(flatten)]
    logging: LoggingArgs,
}

/// The text of the sources' file, and the environment that it refers to.
struct SourcesText {
    text: String,
    env: Env<'static>,
}

impl SettingsArgs {
    /// All that `run` needs. Reads everything before giving up, so that every problem is told.
    pub fn read(&self) -> Result<(Settings, Logging), WrongSettings> {
        let mut problems = Problems::new();
        let settings = self.settings(&mut problems);
        let logging = self.logging.read(&mut problems);
        problems.finish(settings.zip(logging))
    }

    /// Where ingest and the worker listen.
    pub fn listen(&self) -> Result<(SocketAddr, SocketAddr), WrongSettings> {
        let mut problems = Problems::new();
        let both = self.webhooks.listen(&mut problems).zip(self.work.listen(&mut problems));
        problems.finish(both)
    }

    /// How to log, for commands that work on the data.
    pub fn logging(&self) -> Result<Logging, WrongSettings> {
        let mut problems = Problems::new();
        let logging = self.logging.read(&mut problems);
        problems.finish(logging)
    }

    /// The sources as the worker knows them.
    pub fn sources(&self, problems: &mut Problems) -> Option<Sources> {
        let SourcesText { text, env } = self.sources_text(problems)?;
        let wrong = |wrong: Vec<String>| wrong.iter().for_each(|problem| problems.add("SOURCES_FILE", problem));
        Sources::parse(&text, env).map_err(wrong).ok()
    }

    fn settings(&self, problems: &mut Problems) -> Option<Settings> {
        let sources = self.sources_text(problems).map(|SourcesText { text, env }| {
            let of_ingest = read_sources(&text, env, problems);
            let of_worker = of_ingest.as_ref().and_then(|_| self.sources(problems));
            of_ingest.zip(of_worker)
        });
        let (of_ingest, of_worker) = sources.flatten().unzip();
        let deadline = problems.take("SHUTDOWN_DEADLINE", duration(&self.shutdown_deadline));
        let webhooks = self.webhooks.read(of_ingest, deadline, problems);
        let work = self.work.read(ALL_ROLES, of_worker, deadline, problems);
        let worker_listen = self.work.listen(problems);
        let spool_max_bytes = problems.take("SPOOL_MAX_BYTES", count(&self.spool_max_bytes, MAX_COUNT));
        let is_try_out = self.sources_file.is_none();
        if is_try_out && webhooks.as_ref().is_some_and(|webhooks| try_out::is_exposed(webhooks.listen)) {
            let told = "without SOURCES_FILE there are only sources for trying out, whose secrets everybody knows; listen \
                        on 127.0.0.1, or name sources of your own";
            problems.add("INGEST_LISTEN", told);
        }
        Some(Settings {
            webhooks: webhooks?,
            work: work?,
            worker_listen: worker_listen?,
            spool_max_bytes: spool_max_bytes?,
            is_try_out,
        })
    }

    fn sources_text(&self, problems: &mut Problems) -> Option<SourcesText> {
        match &self.sources_file {
            None => Some(SourcesText { text: try_out::SOURCES.to_owned(), env: &try_out::environment }),
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|error| format!("can't read {}: {error}", path.display()));
                let text = problems.take("SOURCES_FILE", text)?;
                Some(SourcesText { text, env: &|name| std::env::var(name).ok() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        settings: SettingsArgs,
    }

    fn read(arguments: &[&str]) -> Result<Settings, String> {
        let cli = Cli::parse_from(["standalone"].iter().chain(arguments));
        cli.settings.read().map(|(settings, _)| settings).map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn nothing_needs_to_be_set() {
        Cli::command().debug_assert();
        let settings = read(&[]).unwrap();
        assert!(settings.is_try_out);
        assert_eq!(settings.webhooks.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.work.sources.iter().count(), 6);
    }

    #[test]
    fn sources_for_trying_out_are_for_this_machine_alone() {
        let told = read(&["--ingest-listen=0.0.0.0:8080"]).unwrap_err();
        assert!(told.contains("INGEST_LISTEN") && told.contains("SOURCES_FILE"), "{told}");
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let told = read(&[
            "--sources-file=there-is-no-such-file",
            "--ingest-listen=here",
            "--worker-listen=there",
            "--lanes=0",
            "--spool-max-bytes=none",
            "--shutdown-deadline=soon",
            "--rust-log=ingest=loud",
        ])
        .unwrap_err();
        for name in [
            "SOURCES_FILE", "INGEST_LISTEN", "WORKER_LISTEN", "LANES", "SPOOL_MAX_BYTES", "SHUTDOWN_DEADLINE",
            "RUST_LOG",
        ] {
            assert!(told.contains(&format!("{name}: ")), "{name} is missing in: {told}");
        }
    }
}
