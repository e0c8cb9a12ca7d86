//! The start and the end of a program, as all of them have it.

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use thiserror::Error as ThisError;
use tokio::net::TcpListener;

use crate::telemetry;

/// The address is in use, or not this machine's.
#[derive(Debug, ThisError)]
#[error("listening on {address} ({setting})")]
pub struct NotListening {
    address: SocketAddr,
    setting: &'static str,
    source: std::io::Error,
}

/// Listens on the address that `setting` holds.
pub async fn listen(address: SocketAddr, setting: &'static str) -> Result<TcpListener, NotListening> {
    TcpListener::bind(address).await.map_err(|source| NotListening { address, setting, source })
}

/// The exit code of a program. An error goes to stderr with its causes, as logging may not have started.
pub fn exit<E: AsRef<dyn Error>>(program: &str, ended: Result<(), E>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where stderr is closed, the exit code has to do.
            writeln!(std::io::stderr(), "{program}: {}", telemetry::chain(error.as_ref())).ok();
            ExitCode::FAILURE
        }
    }
}
