//! A connection with a knife in it: passes bytes on to an address, until it is told to cut or to swallow.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Listens on a port of its own as long as the test runs.
#[derive(Debug)]
pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What the client sends is lost; what it is sent arrives.
    swallows: AtomicBool,
    /// Cancelled to end the connections of the moment.
    cut: Mutex<CancellationToken>,
}

impl Proxy {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self { port: listener.local_addr().unwrap().port(), state: Arc::default() };
        tokio::spawn(accept(listener, SocketAddr::from(([127, 0, 0, 1], port)), Arc::clone(&proxy.state)));
        proxy
    }

    /// From now on nothing that the client says gets through, an acknowledgement for example.
    pub fn swallow_what_the_client_says(&self) {
        self.state.swallows.store(true, Ordering::SeqCst);
    }

    /// Ends every connection, both ways at once; new ones may be made.
    pub fn cut(&self) {
        let mut cut = self.state.cut.lock().unwrap();
        cut.cancel();
        *cut = CancellationToken::new();
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        let cut = state.cut.lock().unwrap().clone();
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect(to).await else { return };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            // Whichever way ends first ends the connection.
            tokio::select! {
                () = cut.cancelled() => {}
                () = pass(from_client, to_server, Some(&state.swallows)) => {}
                () = pass(from_server, to_client, None) => {}
            }
        });
    }
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, swallows: Option<&AtomicBool>) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let lost = swallows.is_some_and(|swallows| swallows.load(Ordering::SeqCst));
        if !lost && to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
