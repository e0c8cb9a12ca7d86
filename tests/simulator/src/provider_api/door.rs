//! The provider's door: takes connections, and lets nobody in while the provider is down.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::conduct::Conduct;

/// Takes connections, and hangs up at once while the provider is down.
pub(super) struct Door {
    listener: TcpListener,
    conduct: Arc<Conduct>,
}

impl Door {
    pub(super) fn new(listener: TcpListener, conduct: Arc<Conduct>) -> Self {
        Self { listener, conduct }
    }
}

impl Listener for Door {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            if self.conduct.is_down() {
                self.conduct.turn_away();
            } else {
                return (Line { stream, conduct: Arc::clone(&self.conduct) }, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that breaks as soon as the provider is down.
pub(super) struct Line {
    stream: TcpStream,
    conduct: Arc<Conduct>,
}

impl Line {
    fn check(&self) -> io::Result<()> {
        if self.conduct.is_down() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        if read.is_ready() && into.filled().len() > before && self.check().is_err() {
            self.conduct.turn_away();
            return Poll::Ready(self.check());
        }
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
