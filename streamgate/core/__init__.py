"""Pure decisions: input in, output out, time as an argument. No asyncio, threads, files, clocks or libav."""
