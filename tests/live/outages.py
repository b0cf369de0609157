"""What the outage tests share: jobs, and what they publish when nothing goes wrong."""

import random

from live_case import check
from cairn_world import World, wait_for


def large_lines(count, size):
    """Lines with keys of their own and values that don't compress."""
    rng = random.Random(7)
    return b"".join(b"k%d %s\n" % (i, rng.randbytes(size // 2).hex().encode())
                    for i in range(count))


LARGE = large_lines(20000, 3000)


class Expected:
    """What undisturbed runs publish; with checkpoints in a folder, where nothing goes wrong."""

    outputs = {}

    @classmethod
    def of(cls, job, data, every):
        if (job, data) not in cls.outputs:
            with World(job, data, [word for word in every if "s3." not in word and word != "-D"]) as world:
                check(world.run() == 0, world.log_text())
                cls.outputs[job, data] = world.output()
        return cls.outputs[job, data]


def after_commits(world, worker, count):
    check(wait_for(lambda: world.log_text().count("committed") >= count or
                   worker.poll() is not None), world.log_text())
    check(worker.poll() is None, "the worker ended early\n" + world.log_text())
