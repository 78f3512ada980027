/**
 * Testnets as a library: `import { createTestnet } from 'grapevine/testnet'`
 */
export { createTestnet } from './testnet.ts'
export { FolderError, TestnetPeerError, TestnetStoppedError, TestnetTimeoutError } from './errors.ts'
export { renderPage } from './page/page.ts'
export type {
  Attackers, Fault, PeerLine, PeerState, ReportAttacker, ReportKill, ReportPeer, ReportRound, RoundSummary, Testnet, TestnetEvents, TestnetInit, TestnetPartition,
  TestnetPeer, TestnetReport
} from './interface.ts'
