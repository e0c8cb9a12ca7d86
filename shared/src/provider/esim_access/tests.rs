//! The promises of the dialect's door.
