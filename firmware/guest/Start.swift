/// Called by the assembly with what the loader left in EAX and EBX, paging on, on the kernel's own stack: console,
/// memory, interrupt controllers, then the image's own `imageMain`, whose result is the exit status.
@c(kernel_main)
func kernelMain(_ magic: UInt32, _ information: UInt32) -> Never {
  let kernel = Kernel(Processor())
  kernel.startConsole()
  if magic != Kernel<Processor>.multibootMagic { kernel.panic("not started by a Multiboot loader") }
  if !kernel.readMultiboot(information) { kernel.panic("the loader says nothing about memory") }
  kernel.startConsole()
  if !kernel.startMemory() { kernel.panic("not enough memory for the kernel's own tables") }
  kernel.startInterruptControllers()
  kernel.hardware.exit(imageMain(kernel))
}
