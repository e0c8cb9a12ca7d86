//! Every statement there is, on one connection.

use crate::api_limits::ApiLimits;
use crate::contacts::Contacts;
use crate::dead_letters::DeadLetters;
use crate::deadlines::Deadlines;
use crate::entities::Entities;
use crate::events::Inbox;
use crate::lookups::Lookups;
use crate::outbox::Outbox;
use crate::registrations::Registrations;
use crate::story::Stories;
use crate::transfer::Transfer;
use crate::verification::Verification;

/// The statements, one trait for each group of tables.
pub trait Tables:
    ApiLimits
    + Contacts
    + DeadLetters
    + Deadlines
    + Entities
    + Inbox
    + Lookups
    + Outbox
    + Registrations
    + Send
    + Stories
    + Transfer
    + Verification
{
}
