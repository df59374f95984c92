/** The gateway with accounts that book no settlement, which shows what booking costs. */
import { KeyAccount as BookingAccount } from '../../../src/accounts/key-account.ts'

export { default, Directory } from '../../../src/index.ts'

export class KeyAccount extends BookingAccount {
  override async settle(): Promise<void> {}
}
