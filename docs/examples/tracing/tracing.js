import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'authograph' }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
})
provider.register()

// At these signals, the server closes. With a listener of your own, the process ends only when nothing is left to do, so
// that the last spans are sent.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {})
process.once('beforeExit', () => provider.shutdown())
