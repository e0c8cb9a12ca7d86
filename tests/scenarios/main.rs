//! The promises, one a test, on real containers: the table of contents.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the steps of a scenario fail their test where they fail")]

mod apis;
mod customer_care;
mod dead_letters;
mod delivery;
mod duplicates;
mod endings;
mod faults_broker;
mod faults_database;
mod faults_programs;
mod mail;
mod mail_premises;
mod mail_server;
mod order;
mod provider_apis;
mod queues;
mod refusals;
mod samples_end_in_rows;
mod secrets;
mod shutdown_and_health;
mod simulated;
mod simulator;
mod standalone;
mod stores;
mod subscriptions;
mod verify;
