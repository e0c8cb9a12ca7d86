//! The promises, one a test, on real containers.

mod smoke;
