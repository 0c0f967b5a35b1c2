export interface UploadProgress {
  /** What the platform has taken over to send. */
  readonly sentBytes: number
  /** Null for a stream, whose end nobody knows. */
  readonly totalBytes: number | null
}
