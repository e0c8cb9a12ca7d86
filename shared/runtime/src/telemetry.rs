//! Logs: one line an event on stdout, for people or as JSON. Fields have the same dotted names everywhere: `event.id`,
//! `source`, `trace.id`, `order.ref`; never bodies, tokens or personal data.

use std::error::Error;
use std::fmt::Write as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object a line, for machines.
    Json,
}

impl LogFormat {
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err("it must be `pretty` or `json`".to_owned()),
        }
    }
}

/// Says what is wrong with a filter as `RUST_LOG` has it.
pub fn check_filter(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter).map(drop).map_err(|error| error.to_string())
}

/// Starts logging to stdout. `filter` is what `RUST_LOG` holds. Called twice, the second call changes nothing.
pub fn start(format: LogFormat, filter: &str) {
    // lapin logs every error that it also returns to us, and a returned message with its body. What it says is asked
    // for by name, and then without the bodies.
    let quiet = if filter.contains("lapin") { "lapin::returned_messages=off" } else { "lapin=off" };
    let filter = EnvFilter::try_new(format!("{filter},{quiet}")).unwrap_or_else(|_wrong| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_span_events(FmtSpan::NONE);
    let started = match format {
        LogFormat::Pretty => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stdout())).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// An error with all its causes, in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let part = cause.to_string();
        // Some errors repeat their cause in their own text.
        if !text.ends_with(&part) && write!(text, ": {part}").is_err() {
            break;
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("opening the file")]
        struct Outer(#[source] std::io::Error);
        assert_eq!(chain(&Outer(std::io::Error::other("no space"))), "opening the file: no space");
    }

    #[test]
    fn a_wrong_filter_is_refused() {
        assert_eq!(check_filter("info,ingest=debug"), Ok(()));
        assert!(check_filter("ingest=loud").is_err());
    }
}
