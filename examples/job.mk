# Builds a job of your own: make -f job.mk running_max_job.so
%.so: %.c
	$(CC) -O2 -shared -fPIC -o $@ $< $(shell pkg-config --cflags cairn)
