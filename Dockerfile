# The command of a release and nothing else. The context is the folder of the release: docker build -f Dockerfile dist
FROM scratch
ARG ARCH=amd64
ADD sigmac_*_linux_${ARCH}.tar.gz /
USER 65534:65534
WORKDIR /work
ENTRYPOINT ["/sigmac/sigmac"]
