export interface ReviewInput {
  readonly required: boolean
}
