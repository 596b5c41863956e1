/// What all processors of a machine share: memory, the bus, the gate before stores, those who listen, and the clock.
///
/// A processor is built on a board and owns the rest: registers, paging unit with its TLB arrays and filter, first-level
/// caches, branch predictor, decoded blocks, counters. `plugIn` makes it known to the gate and to the listeners. Nothing here
/// knows how many processors there are.
final class SystemBoard {
  let memory: PhysicalMemory
  let bus: Bus
  let clock: Clock
  let gate: StoreGate
  let observation: Observation
  /// Hears of stores to watched memory and page tables.
  let stores: StoreWatch

  init(memory: PhysicalMemory, bus: Bus, clock: Clock) {
    self.memory = memory
    self.bus = bus
    self.clock = clock
    gate = StoreGate(memory: memory)
    observation = Observation()
    stores = StoreWatch(memory: memory, gate: gate, observation: observation)
    bus.gate = gate
    bus.observation = observation
  }

  /// Lets a processor hear of stores to the code it has decoded and to pages that its filter passes by, and lets listeners
  /// see it. The processor must live as long as the board.
  func plugIn(
    _ processor: any ObservedProcessor, code: any CodeHolder, shortcut: any StoreShortcut
  ) {
    gate.add(code, shortcut)
    observation.add(processor)
  }
}
