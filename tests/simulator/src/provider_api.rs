//! Providers that speak their documented APIs over real HTTP, written from the documents alone and not from our clients,
//! so that they check them.
//!
//! Each is a [`ProviderApi`]; what it knows is the shop's account there, which is edited with [`ProviderApi::change`]; how
//! it behaves (down, slow, half answers, failures) and what it was asked is its [`Conduct`]. Signatures, tokens and rate
//! limits are always enforced.
//!
//! # Documented, and assumed
//!
//! What the documents leave open had to be decided to have anything to speak with; a client must not lean on it.
//!
//! - **All.** Limits are documented as numbers only: assumed is a window that slides (no span of that length holds more),
//!   that a refused or unauthenticated request doesn't count, and, but for Airalo, that a refusal is 429 with
//!   `Retry-After` in seconds.
//! - **Airalo.** Documented: paths, token (form, three a minute, 401 and 422 bodies), types of each field, `include`,
//!   LIKE filters, paging, `simable`, `meta.message` with its misspellings, usage (units, states, 404 and 429 bodies,
//!   ten a minute an ICCID, five a second a company), opt-in with HEAD, opt-out 204, the simulator with its errors and
//!   five a minute, `airalo-signature`. Assumed: that nothing is included unasked; the text of 401; 404 for an unknown
//!   order or eSIM looks like that of usage; the opt-in's refusal (422); the state shown is that of the newest opt-in,
//!   `data: []` without one; simulated webhooks are signed, an order's `request_id` stands at the root. Left out: the
//!   cache of usage (20 minutes), which would outlive every test.
//! - **eSIM Access.** Documented: paths, both forms of authentication, `RT-RequestID` is a UUID v4, the
//!   fields, the pager's bounds, ten usages a
//!   query, eight requests a second, `CHECK_HEALTH` before a URL is saved, the meaning of 101001, 101003, 200008, 200010
//!   and 310272, the two forms of the envelope (`Account::as_documented`). Assumed: errors have HTTP status 200; a
//!   timestamp lives five minutes; which of 000101 to 000107 is which; an unknown access code is 101003; an ICCID or
//!   `esimTranNo` that is unknown finds an empty list; the form of `/webhook/query`, and of the refusal to save.
//! - **Yoni.** Documented: paths, the signature, ten and five requests a second, the usage's strings, the codes, the
//!   envelope of 401. Assumed: errors have HTTP status 200; the fields of a record (the webhook's, null
//!   while the order is being processed); `total` is a number;
//!   an unknown eSIM's usage is code 400; a timestamp must be milliseconds of this hour.
//! - **SimplifyTrip.** Documented: hosts, headers, fields, the form of errors, the limits and `TOO_MANY_REQUESTS`.
//!   Assumed: `/api/v1/orders/{id}` takes `id` or `trackId`; objects stand bare; the texts of the other error codes.
//!   Left out: the list of allowed addresses, the concurrency limiter.
//! - **Airtm.** Documented: paths, V1's Basic authentication, 404 with 352015, 422 for what is no UUID, ten requests a
//!   second, upper-case states, V2's fields and its `{code, message, data}`. Assumed: V2's authentication (Basic, the
//!   same pair), its code for 404, that an amount is a number in V1's answer as in the answer to a creation.

pub mod airalo;
pub mod airtm;
pub mod conduct;
mod door;
pub mod esim_access;
pub mod http;
pub mod limits;
pub mod simplifytrip;
pub mod yoni;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;

pub use conduct::{Conduct, Outcome};
pub use http::Reply;
use http::Speaks;

/// A provider's API on a port of its own, as long as the process runs.
#[derive(Debug)]
pub struct ProviderApi<W> {
    address: SocketAddr,
    account: Arc<Mutex<W>>,
    conduct: Arc<Conduct>,
}

impl<W: Speaks> ProviderApi<W> {
    /// At `address`, with an empty account.
    pub async fn listen(address: SocketAddr, conduct: Conduct) -> io::Result<Self> {
        let (account, conduct) = (Arc::default(), Arc::new(conduct));
        let listener = TcpListener::bind(address).await?;
        let address = http::serve(listener, Arc::clone(&account), Arc::clone(&conduct))?;
        Ok(Self { address, account, conduct })
    }

    /// Without a slash at the end, and without what the documents count as part of the path.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Edits what the provider knows, or looks at it.
    pub fn change<T>(&self, edit: impl FnOnce(&mut W) -> T) -> T {
        edit(&mut lock(&self.account))
    }

    pub fn conduct(&self) -> &Conduct {
        &self.conduct
    }
}

/// A panic of another request spoils nothing that an account holds.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
