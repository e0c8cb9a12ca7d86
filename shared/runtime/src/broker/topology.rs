//! The exchanges and queues that both programs declare at start, and what to say when others of the same name exist.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Connection, ErrorKind, ExchangeKind};
use shared::envelope::{DEAD_EXCHANGE, DEAD_QUEUE, DELIVERY_LIMIT, EXCHANGE, QUEUE};

use crate::queue::QueueError;

/// Every routing key.
const ANY: &str = "#";

/// Declares what is missing and compares what exists; the first difference is the error.
pub(super) async fn declare(connection: &Connection, max_length: u64) -> Result<(), QueueError> {
    let channel = connection.create_channel().await.map_err(QueueError::closed)?;
    // The dead-letter side first, so that no message can die before there is a place for it.
    declare_exchange(&channel, DEAD_EXCHANGE).await?;
    declare_queue(&channel, DEAD_QUEUE, dead_queue_arguments(max_length)).await?;
    bind(&channel, DEAD_QUEUE, DEAD_EXCHANGE).await?;
    declare_exchange(&channel, EXCHANGE).await?;
    declare_queue(&channel, QUEUE, queue_arguments(max_length)).await?;
    bind(&channel, QUEUE, EXCHANGE).await?;
    channel.close(200, "OK".into()).await.map_err(QueueError::closed)
}

/// lapin's conversion panics on a name longer than 255 bytes.
pub(super) fn short(name: &str) -> Result<ShortString, QueueError> {
    ShortString::try_new(name).map_err(|error| QueueError::Closed(error.into()))
}

/// At-least-once dead lettering needs `reject-publish`: with `drop-head` the broker silently falls back to at most once.
fn queue_arguments(max_length: u64) -> FieldTable {
    let mut arguments = bounded_quorum(max_length);
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(i64::from(DELIVERY_LIMIT)));
    arguments.insert("x-dead-letter-exchange".into(), text(DEAD_EXCHANGE));
    arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
    arguments
}

/// Nothing stands behind this queue, so nothing may leave it but by acknowledgement: no delivery limit (−1).
fn dead_queue_arguments(max_length: u64) -> FieldTable {
    let mut arguments = bounded_quorum(max_length);
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(-1));
    arguments
}

fn bounded_quorum(max_length: u64) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(i64::try_from(max_length).unwrap_or(i64::MAX)));
    arguments.insert("x-overflow".into(), text("reject-publish"));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

async fn declare_exchange(channel: &Channel, name: &'static str) -> Result<(), QueueError> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel
        .exchange_declare(name.into(), ExchangeKind::Topic, durable, FieldTable::default())
        .await
        .map_err(|error| explain(&format!("exchange {name}"), error))
}

async fn declare_queue(channel: &Channel, name: &'static str, arguments: FieldTable) -> Result<(), QueueError> {
    channel
        .queue_declare(name.into(), QueueDeclareOptions::durable(), arguments)
        .await
        .map(drop)
        .map_err(|error| explain(&format!("queue {name}"), error))
}

async fn bind(channel: &Channel, queue: &'static str, exchange: &'static str) -> Result<(), QueueError> {
    channel
        .queue_bind(queue.into(), exchange.into(), ANY.into(), QueueBindOptions::default(), FieldTable::default())
        .await
        .map_err(|error| explain(&format!("binding of queue {queue}"), error))
}

fn explain(what: &str, error: lapin::Error) -> QueueError {
    match error.kind() {
        ErrorKind::ProtocolError(refusal)
            if *refusal.kind() == AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) =>
        {
            QueueError::TopologyDiffers(difference(what, refusal.get_message().as_str()))
        }
        ErrorKind::ProtocolError(refusal) if *refusal.kind() == AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => {
            QueueError::Refused { address: what.to_owned(), reason: refusal.get_message().to_string() }
        }
        _ => QueueError::closed(error),
    }
}

/// Puts the broker's text in the operator's terms. RabbitMQ says, for example: `PRECONDITION_FAILED - inequivalent arg
/// 'x-max-length' for queue 'webhooks.events' in vhost '/': received the value '5' of type 'signedint' but current is
/// the value '6' of type 'signedint'`.
fn difference(what: &str, text: &str) -> String {
    let Some((argument, wanted, present)) = parse_difference(text) else {
        return format!("the broker has another {what} than we need, and says: {text}. {REMEDY}");
    };
    format!("the broker has another {what} than we need: {argument} is {present} there, and we want {wanted}. {REMEDY}")
}

const REMEDY: &str = "Set what we want to what is there (QUEUE_MAX_LENGTH for x-max-length), or delete it on the broker, \
                      a queue once the workers have emptied it, and start again: it is then declared anew.";

fn parse_difference(text: &str) -> Option<(&str, String, String)> {
    let (_, rest) = text.split_once("inequivalent arg '")?;
    let (argument, rest) = rest.split_once('\'')?;
    let (_, rest) = rest.split_once("received ")?;
    let (wanted, present) = rest.split_once(" but current is ")?;
    Some((argument, value(wanted), value(present)))
}

/// The quoted part of `the value '5' of type 'signedint'` or of `'topic'`; `none` is an argument that is not set.
fn value(text: &str) -> String {
    match text.split('\'').nth(1) {
        Some(quoted) => quoted.to_owned(),
        None if text.starts_with("none") => "not set".to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: (&str, &str, &str)) {
        let (argument, wanted, present) = parse_difference(text).unwrap();
        assert_eq!((argument, wanted.as_str(), present.as_str()), expected);
    }

    #[test]
    fn a_difference_names_the_argument_and_both_values() {
        check(
            "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'webhooks.events' in vhost '/': received \
             the value '5' of type 'signedint' but current is the value '6' of type 'signedint'",
            ("x-max-length", "5", "6"),
        );
        check(
            "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'webhooks.events' in vhost '/': \
             received the value '20' of type 'signedint' but current is none",
            ("x-delivery-limit", "20", "not set"),
        );
        check(
            "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'webhooks' in vhost '/': received 'topic' but \
             current is 'fanout'",
            ("type", "topic", "fanout"),
        );
    }

    #[test]
    fn a_text_of_another_form_is_passed_on() {
        assert!(difference("queue q", "PRECONDITION_FAILED - something new").contains("something new"));
    }
}
