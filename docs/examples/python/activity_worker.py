#!/usr/bin/env python3
"""An activity of journeys in Python, with nothing but pika.

    python3 activity_worker.py gift-wrap

It takes requests from the queue activity.gift-wrap and answers on the exchange ebs. It may be killed at any point, and any
number of it may run: a request that was not answered comes again, to whoever is there.
"""

import json
import os
import sys

import pika

URL = os.environ.get("EBS_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2F")


def run(wanted, idempotency_key):
    """The work. It may run twice for one idempotency_key: pass that on to whatever must happen once."""
    if not isinstance(wanted, dict) or not isinstance(wanted.get("to"), str):
        raise ValueError("to: expected a name")
    return {"label": f"For {wanted['to']}, with love"}


def on_request(channel, method, properties, body):
    try:
        request = json.loads(body)
        call_id, attempt, wanted, key = (request[field] for field in ("callId", "attempt", "input", "idempotencyKey"))
    except (ValueError, TypeError, KeyError):
        # No request: it goes to activity.<name>.dead, where a person finds it.
        channel.basic_reject(method.delivery_tag, requeue=False)
        return
    answer = {"callId": call_id}
    try:
        output = run(wanted, key)
        answer.update(type="ACTIVITY_SUCCEEDED", status=200, output=output)
    except ValueError as error:  # 400: no attempt will ever succeed with this input.
        answer.update(type="ACTIVITY_FAILED", status=400, error=str(error))
    except Exception as error:  # 500: another attempt may.
        answer.update(type="ACTIVITY_FAILED", status=500, error=str(error))
    succeeded = answer["type"] == "ACTIVITY_SUCCEEDED"
    channel.basic_publish(
        exchange="ebs",
        routing_key="activities.succeeded" if succeeded else "activities.failed",
        body=json.dumps(answer),
        properties=pika.BasicProperties(
            content_type="application/json",
            correlation_id=properties.correlation_id,
            delivery_mode=2,
            # Which attempt is answered: the header of the request, echoed; one that a person pasted has it in its body only.
            headers={"x-ebs-call-attempt": (properties.headers or {}).get("x-ebs-call-attempt", attempt)},
        ),
    )
    # Behind the publish, which waits for the broker's confirm: what is acked is answered.
    channel.basic_ack(method.delivery_tag)


def main():
    queue = f"activity.{sys.argv[1]}"
    connection = pika.BlockingConnection(pika.URLParameters(URL))
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_qos(prefetch_count=10)
    # Passive: the queue is made when a definition that names the activity is registered.
    channel.queue_declare(queue, passive=True)
    channel.basic_consume(queue, on_request)
    print(f"waiting for requests in {queue}", flush=True)
    channel.start_consuming()


if __name__ == "__main__":
    main()
