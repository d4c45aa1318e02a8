import type { App } from './app.ts';

/** Names of exceptions that AWS SDKs know, by status; they are told apart by this name alone. */
const ERROR_TYPES: Readonly<Record<number, string>> = {
  401: 'UnauthorizedException',
  403: 'UnauthorizedException',
  404: 'ResourceNotFoundException',
  405: 'MethodNotAllowedException',
  413: 'RequestEntityTooLargeException',
  429: 'ThrottlingException',
  503: 'ServiceUnavailableException',
};

/** Adds to the answers of the routes in `scope` what the SDKs for the AWS IoT data plane read from headers. */
export function answerAsAws(scope: App): void {
  scope.addHook('onSend', (request, reply, _payload, done) => {
    reply.header('x-amzn-requestid', request.traceId);
    const { statusCode } = reply;
    if (statusCode >= 400) {
      const other = statusCode < 500 ? 'InvalidRequestException' : 'InternalFailureException';
      reply.header('x-amzn-errortype', ERROR_TYPES[statusCode] ?? other);
    }
    done();
  });
}
