import { ProxyTracerProvider, type Tracer, trace } from '@opentelemetry/api'

const NAME = 'ebs'

/**
 * The tracer of whoever has registered an SDK, in whatever way; undefined when nobody has. Then nothing is measured: trace contexts that
 * others sent only travel on.
 */
export function findTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider()
  // Without an SDK the API hands out a provider of tracers that do nothing; asking it for one would be most of the cost.
  return provider instanceof ProxyTracerProvider ? provider.getDelegateTracer(NAME) : provider.getTracer(NAME)
}
