# Both services, one target each: docker build --target web . · docker build --target consumers .

# The files that a restore reads, alone, so that its layer stays good until one of them changes.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS projects
WORKDIR /source
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src src
RUN find src -type f ! -name '*.csproj' ! -name packages.lock.json -delete

FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY --from=projects /source ./
RUN dotnet restore src/Web --locked-mode && dotnet restore src/Consumers --locked-mode && dotnet restore src/Cli --locked-mode
COPY .editorconfig ./
COPY src src
RUN dotnet publish src/Web -c Release --no-restore -o /out/web \
 && dotnet publish src/Consumers -c Release --no-restore -o /out/consumers \
 && dotnet publish src/Cli -c Release --no-restore -o /out/cli

FROM mcr.microsoft.com/dotnet/aspnet:10.0 AS web
WORKDIR /app
COPY --from=build /out/web ./
# The operator's command, for ./workinit: beside Web it has the broker, the ledger and the audit within reach.
COPY --from=build /out/cli ./cli/
# A volume starts out with the owner of the folder it is mounted on. /data: databases; .aspnet: the keys that sign forms.
RUN mkdir -p /data /home/app/.aspnet && chown "$APP_UID" /data /home/app /home/app/.aspnet
USER $APP_UID
EXPOSE 8080
ENTRYPOINT ["dotnet", "WorkinIt.Web.dll"]

FROM mcr.microsoft.com/dotnet/aspnet:10.0 AS consumers
WORKDIR /app
COPY --from=build /out/consumers ./
RUN mkdir -p /data && chown "$APP_UID" /data
USER $APP_UID
EXPOSE 8081
ENTRYPOINT ["dotnet", "WorkinIt.Consumers.dll"]
