func imageMain(_ kernel: Kernel<Processor>) -> UInt8 {
  kernel.printZoneInfo()
  kernel.printBuddyInfo()
  return 0
}
