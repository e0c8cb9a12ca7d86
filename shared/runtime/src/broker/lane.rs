//! A lane: one channel with one consumer, whose deliveries are settled on the channel they came from.

use std::fmt;

use futures_util::{FutureExt as _, StreamExt as _};
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};
use shared::envelope::Envelope;

use super::message::{self, DeathNote, NotAnEnvelope};
use super::{BrokerError, topology};

/// A message that the broker handed to us, and that it takes back unless we settle it.
#[derive(Debug)]
pub struct AmqpDelivery {
    /// Rising within a lane; names the delivery when it is settled.
    pub tag: u64,
    pub redelivered: bool,
    pub content: Result<Envelope, NotAnEnvelope>,
    /// Only on what comes from the dead-letter queue.
    pub dead: Option<DeathNote>,
}

/// One channel with one consumer. Deliveries come in the order of their tags.
pub struct Lane {
    channel: Channel,
    consumer: Consumer,
    queue: String,
    stopped: bool,
    /// The stream said its last word; to poll it again would wait for ever.
    ended: bool,
}

impl Lane {
    pub(super) async fn open(connection: &Connection, queue: &str, prefetch: u16) -> Result<Self, BrokerError> {
        let channel = connection.create_channel().await.map_err(BrokerError::closed)?;
        channel.basic_qos(prefetch, BasicQosOptions::default()).await.map_err(BrokerError::closed)?;
        let consumer = channel
            .basic_consume(topology::short(queue)?, "".into(), BasicConsumeOptions::default(), FieldTable::default())
            .await
            .map_err(BrokerError::closed)?;
        Ok(Self { channel, consumer, queue: queue.to_owned(), stopped: false, ended: false })
    }

    /// Waits for the next delivery. An error is final: the channel, the connection or the consumer is gone, and the
    /// broker hands out again what was not settled.
    pub async fn next(&mut self) -> Result<AmqpDelivery, BrokerError> {
        if self.ended {
            return Err(self.cancelled());
        }
        let delivery = self.consumer.next().await;
        self.read(delivery)
    }

    /// The next delivery, if one is here already. After `stop_consuming`, `None` means that there are no more.
    pub fn next_ready(&mut self) -> Option<Result<AmqpDelivery, BrokerError>> {
        if self.ended {
            return (!self.stopped).then(|| Err(self.cancelled()));
        }
        let delivery = self.consumer.next().now_or_never()?;
        if delivery.is_none() && self.stopped {
            self.ended = true;
            return None;
        }
        Some(self.read(delivery))
    }

    /// Settles this delivery and every earlier one of the lane.
    pub async fn acknowledge_through(&self, tag: u64) -> Result<(), BrokerError> {
        self.channel.basic_ack(tag, BasicAckOptions { multiple: true }).await.map_err(BrokerError::closed)
    }

    pub async fn acknowledge(&self, tag: u64) -> Result<(), BrokerError> {
        self.channel.basic_ack(tag, BasicAckOptions { multiple: false }).await.map_err(BrokerError::closed)
    }

    /// Gives a delivery back (`requeue`) or to the dead letters. Only a reject counts toward the delivery limit; a nack
    /// does not since RabbitMQ 4.3.
    pub async fn reject(&self, tag: u64, requeue: bool) -> Result<(), BrokerError> {
        self.channel.basic_reject(tag, BasicRejectOptions { requeue }).await.map_err(BrokerError::closed)
    }

    /// No further deliveries; those already here may be read with `next_ready` and must be settled.
    pub async fn stop_consuming(&mut self) -> Result<(), BrokerError> {
        self.stopped = true;
        self.channel.basic_cancel(self.consumer.tag(), BasicCancelOptions::default()).await.map_err(BrokerError::closed)
    }

    fn read(&mut self, delivery: Option<lapin::Result<lapin::message::Delivery>>) -> Result<AmqpDelivery, BrokerError> {
        match delivery {
            Some(Ok(delivery)) => Ok(AmqpDelivery {
                tag: delivery.delivery_tag,
                redelivered: delivery.redelivered,
                dead: message::death(&delivery.properties),
                content: message::envelope(&delivery.properties, delivery.data).map_err(|foreign| *foreign),
            }),
            Some(Err(error)) => {
                self.ended = true;
                Err(BrokerError::closed(error))
            }
            None => {
                self.ended = true;
                Err(self.cancelled())
            }
        }
    }

    fn cancelled(&self) -> BrokerError {
        BrokerError::Cancelled { queue: self.queue.clone() }
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("queue", &self.queue).field("stopped", &self.stopped).finish_non_exhaustive()
    }
}
