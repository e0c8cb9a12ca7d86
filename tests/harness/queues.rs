//! Both queues as the tests of the queue's seam need them.
